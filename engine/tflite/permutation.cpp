#include "tflite/permutation.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "mcunet/core/error.hpp"

namespace mcunet::engine {
namespace {

// Dimensions of the input that follow each other there and in the output.
struct Run {
  std::size_t first = 0;  // the input's
  std::size_t next = 0;
  std::int32_t elements = 1;
};

void check_permutation(std::span<const std::int32_t> dims, std::span<const std::size_t> axes) {
  std::vector<std::size_t> identity(dims.size());
  std::iota(identity.begin(), identity.end(), std::size_t{0});
  if (!std::is_permutation(axes.begin(), axes.end(), identity.begin(), identity.end())) {
    throw Error("its permutation is none");
  }
}

// In the output's order.
std::vector<Run> runs_of(std::span<const std::int32_t> dims, std::span<const std::size_t> axes) {
  const auto skip_ones = [&](std::size_t axis) {
    while (axis < dims.size() && dims[axis] == 1) ++axis;
    return axis;
  };
  std::vector<Run> runs;
  for (std::size_t axis : axes) {
    if (dims[axis] == 1) continue;
    if (runs.empty() || runs.back().next != axis) runs.push_back({axis, axis, 1});
    runs.back().next = skip_ones(axis + 1);
    runs.back().elements *= dims[axis];
  }
  return runs;
}

}  // namespace

std::optional<MapPermutation> map_permutation(std::span<const std::int32_t> dims,
                                              std::span<const std::size_t> axes) {
  check_permutation(dims, axes);
  const std::vector<Run> runs = runs_of(dims, axes);
  if (runs.size() > 3) return std::nullopt;
  std::vector<Run> in_order = runs;
  std::sort(in_order.begin(), in_order.end(),
            [](const Run& a, const Run& b) { return a.first < b.first; });
  std::array<std::int32_t, 3> sizes = {1, 1, 1};
  MapPermutation result;
  const std::size_t missing = 3 - runs.size();
  for (std::size_t i = 0; i < runs.size(); ++i) {
    sizes[missing + i] = in_order[i].elements;
    const auto from = std::find_if(in_order.begin(), in_order.end(),
                                   [&](const Run& run) { return run.first == runs[i].first; });
    result.axes[missing + i] =
        static_cast<std::int8_t>(missing + static_cast<std::size_t>(from - in_order.begin()));
  }
  result.from = {sizes[0], sizes[1], sizes[2]};
  return result;
}

}  // namespace mcunet::engine
