#pragma once

#include <limits>

#include "mcunet/search/space/network.hpp"

namespace mcunet::supernet {

// What an activation lets through.
struct Clamp {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
};

inline Clamp clamp_of(engine::Activation activation) {
  using engine::Activation;
  Clamp clamp;
  if (activation == Activation::kRelu || activation == Activation::kRelu6) clamp.low = 0;
  if (activation == Activation::kRelu6) clamp.high = 6;
  if (activation == Activation::kReluN1To1) clamp = {-1, 1};
  return clamp;
}

}  // namespace mcunet::supernet
