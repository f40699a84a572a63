#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mcunet/engine/graph/graph.hpp"

// The networks that papers compare with, at any width and resolution.
namespace mcunet::search::space {

// Their names: mobilenet_v2, proxyless_mobile, mnasnet_b1, resnet18, small_cifar.
std::vector<std::string> reference_network_names();

struct ReferenceScale {
  double width_multiplier = 1;
  // Side of the square image; absent: the one of the paper (224, small_cifar 32).
  std::optional<int> resolution;
};

// Throws Error if there is no network of this name.
engine::Graph make_reference_network(std::string_view name, const ReferenceScale& scale = {});

}  // namespace mcunet::search::space
