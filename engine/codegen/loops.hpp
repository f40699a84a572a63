#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "mcunet/engine/graph/graph.hpp"

// Nested loops over the elements of tensors, as kernels that walk along three axes take them.
namespace mcunet::engine {

// How far apart neighbours along height, width and channels lie.
using Strides = std::array<std::int64_t, 3>;

Strides strides_of(const Shape& shape);
// The same, and 0 along axes of one element, where the tensor repeats.
Strides broadcast_strides_of(const Shape& shape);

struct Loops {
  std::array<std::int64_t, 3> sizes;
  std::vector<Strides> strides;  // per tensor
};

// The same elements in the same order with as few and as long loops as possible; the innermost one is
// last, the others have size 1 and stride 0.
Loops merged(const Loops& loops);

// "{1, 2, 3}"
std::string braced(const std::array<std::int64_t, 3>& values);

}  // namespace mcunet::engine
