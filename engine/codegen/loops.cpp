#include "codegen/loops.hpp"

#include <fmt/format.h>

namespace mcunet::engine {

Strides strides_of(const Shape& shape) {
  return {std::int64_t{shape.width} * shape.channels, shape.channels, 1};
}

Strides broadcast_strides_of(const Shape& shape) {
  const Strides strides = strides_of(shape);
  return {shape.height == 1 ? 0 : strides[0], shape.width == 1 ? 0 : strides[1],
          shape.channels == 1 ? 0 : strides[2]};
}

// From the innermost loop outwards: an axis of one element is left out; one whose steps go on where the
// loop within it ends, in all tensors, becomes part of that loop.
Loops merged(const Loops& loops) {
  Loops result{{1, 1, 1}, std::vector<Strides>(loops.strides.size())};
  std::size_t at = 2;
  bool is_empty = true;
  for (std::size_t axis = 3; axis-- > 0;) {
    if (loops.sizes[axis] == 1) continue;
    bool goes_on = !is_empty;
    for (std::size_t i = 0; i < loops.strides.size(); ++i) {
      goes_on = goes_on && loops.strides[i][axis] == result.sizes[at] * result.strides[i][at];
    }
    if (goes_on) {
      result.sizes[at] *= loops.sizes[axis];
      continue;
    }
    if (!is_empty) --at;
    is_empty = false;
    result.sizes[at] = loops.sizes[axis];
    for (std::size_t i = 0; i < loops.strides.size(); ++i) {
      result.strides[i][at] = loops.strides[i][axis];
    }
  }
  return result;
}

std::string braced(const std::array<std::int64_t, 3>& values) {
  return fmt::format("{{{}, {}, {}}}", values[0], values[1], values[2]);
}

}  // namespace mcunet::engine
