#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "mcunet/engine/graph/graph.hpp"

namespace mcunet::engine {

// A transposition of a tensor of any number of dimensions as one of {height, width, channels}.
struct MapPermutation {
  Shape from;                                   // a view of the input
  std::array<std::int8_t, 3> axes = {0, 1, 2};  // output axis i is input axis [i]
};

// Dimensions that stay side by side become one, those of one element vanish; nothing if more than
// three remain. `axes`: output dimension i is input dimension [i]. Throws Error if they are no
// permutation.
std::optional<MapPermutation> map_permutation(std::span<const std::int32_t> dims,
                                              std::span<const std::size_t> axes);

}  // namespace mcunet::engine
