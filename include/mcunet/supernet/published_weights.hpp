#pragma once

#include <string>

#include "mcunet/supernet/tensor_file.hpp"

// State dictionaries of the published MCUNet and ProxylessNAS models, by the names of their authors'
// PyTorch modules: first_conv, blocks.N.mobile_inverted_conv.{inverted_bottleneck, depth_conv,
// point_linear} and feature_mix_layer, each with conv and bn; and classifier.linear.
namespace mcunet::supernet {

// Whether tensors have such names.
bool are_published(const TensorDictionary& tensors);

// The same tensors by the names of a network of ours, whose weights_of() is `own`. Blocks follow each other
// by their numbers, among which those of bare shortcuts are missing; a prefix "module." and counters of
// batches are dropped. The classifier alone may be of other outputs. Throws Error, which begins with `source`
// and has the file's names, as check_tensors does.
TensorDictionary by_own_names(const TensorDictionary& published, const TensorDictionary& own,
                              const std::string& source);

}  // namespace mcunet::supernet
