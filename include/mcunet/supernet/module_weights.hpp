#pragma once

#include <torch/nn/module.h>

#include <string>

#include "mcunet/supernet/tensor_file.hpp"

namespace mcunet::supernet {

// Parameters and buffers of a network by name, as a tensor file holds them, and their way back.
// They share the network's memory. Throws Error, which begins with `source`, if a name is missing,
// unknown, or of another shape.
TensorDictionary weights_of(const torch::nn::Module& module);
void load_weights(torch::nn::Module& module, const TensorDictionary& tensors,
                  const std::string& source);

}  // namespace mcunet::supernet
