#pragma once

#include <cstdint>

#include "mcunet/engine/reference/reference_executor.hpp"

namespace mcunet::engine {

// The inputs that the golden outputs of the shared data were computed from.
inline TensorBytes golden_input(std::uint32_t index, std::size_t size) {
  TensorBytes bytes(size);
  std::uint32_t state = 0x12345678U + index * 0x9E3779B9U;
  for (std::size_t i = 0; i < size; ++i) {
    state = state * 1664525U + 1013904223U;
    const std::uint32_t ramp =
        (static_cast<std::uint32_t>(i) * 1103515245U + 12345U + index * 7919U) >> 16;
    bytes[i] = static_cast<std::byte>(index < 3 ? ramp : state >> 24);
  }
  return bytes;
}

}  // namespace mcunet::engine
