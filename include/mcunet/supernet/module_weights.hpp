#pragma once

#include <torch/nn/module.h>

#include <string>

#include "mcunet/supernet/tensor_file.hpp"

namespace mcunet::supernet {

// Parameters and buffers of a network by name, as a tensor file holds them, and their way back.
// They share the network's memory.
TensorDictionary weights_of(const torch::nn::Module& module);

// Throws Error, which begins with `source`, as check_tensors does for weights_of(module); the
// network is then as it was.
void load_weights(torch::nn::Module& module, const TensorDictionary& tensors,
                  const std::string& source);

// Throws Error, which begins with `source` and names the tensor, unless the tensors have exactly
// the names of those expected, their shapes and element types, and finite values.
void check_tensors(const TensorDictionary& tensors, const TensorDictionary& expected,
                   const std::string& source);

}  // namespace mcunet::supernet
