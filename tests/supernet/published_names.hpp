#pragma once

#include <ATen/Functions.h>
#include <fmt/format.h>

#include <string>

#include "mcunet/supernet/tensor_file.hpp"

namespace mcunet::supernet {

// The weights of a network as its authors' PyTorch module would save them: with counters of batches, and with so
// many bare shortcuts before each block, which have a number but no tensors.
inline TensorDictionary by_published_names(const TensorDictionary& own, int shortcuts_before = 0) {
  const auto replace = [](std::string& name, const std::string& from, const std::string& to) {
    const std::size_t place = name.find(from);
    if (place != std::string::npos) name.replace(place, from.size(), to);
  };
  TensorDictionary published;
  for (const auto& [own_name, tensor] : own) {
    std::string name = own_name;
    if (name.starts_with("blocks.")) {
      const int block = std::stoi(name.substr(7));
      replace(name, fmt::format("blocks.{}.", block),
              fmt::format("blocks.{}.mobile_inverted_conv.",
                          block * (1 + shortcuts_before) + shortcuts_before));
    }
    replace(name, "stem.", "first_conv.");
    replace(name, "expand.", "inverted_bottleneck.");
    replace(name, "depthwise.", "depth_conv.");
    replace(name, "project.", "point_linear.");
    replace(name, "feature_mix.", "feature_mix_layer.");
    replace(name, ".running_", ".bn.running_");
    replace(name, ".bn_", ".bn.");
    if (name.starts_with("classifier.")) {
      replace(name, "classifier.", "classifier.linear.");
    } else if (name.find(".bn.") == std::string::npos) {
      replace(name, ".weight", ".conv.weight");
    }
    if (name.ends_with(".running_var")) {
      published.emplace(name.substr(0, name.rfind('.')) + ".num_batches_tracked",
                        at::scalar_tensor(7, at::kLong));
    }
    published.emplace(name, tensor);
  }
  return published;
}

}  // namespace mcunet::supernet
