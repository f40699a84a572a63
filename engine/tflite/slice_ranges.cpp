#include "tflite/slice_ranges.hpp"

#include <algorithm>

#include "mcunet/core/error.hpp"

namespace mcunet::engine {
namespace {

void require_operands(std::span<const std::int32_t> dims, std::size_t operands) {
  if (operands != dims.size()) {
    throw Error("slices {} dimensions of a tensor of {}", operands, dims.size());
  }
}

// A begin or an end, counted from the end where negative, within [lowest, highest].
std::int64_t position(std::int64_t value, std::int32_t dim, std::int64_t lowest,
                      std::int64_t highest) {
  return std::clamp(value < 0 ? value + dim : value, lowest, highest);
}

SliceRange single_element(std::int64_t at, std::int32_t dim) {
  const std::int64_t begin = at < 0 ? at + dim : at;
  if (begin < 0 || begin >= dim) throw Error("slices element {} of {}", at, dim);
  return {static_cast<std::int32_t>(begin), 1, 1, /*is_dropped=*/true};
}

struct Bounds {
  std::int64_t begin, end, stride;
  bool has_begin, has_end;
};

SliceRange strided_range(const Bounds& b, std::int32_t dim) {
  if (b.stride == 0) throw Error("slices with a stride of 0");
  if (b.stride != static_cast<std::int32_t>(b.stride)) throw Error("a stride of {}", b.stride);
  const bool is_forward = b.stride > 0;
  const std::int64_t lowest = is_forward ? 0 : -1;
  const std::int64_t highest = is_forward ? dim : dim - 1;
  const std::int64_t first = is_forward ? 0 : dim - 1;
  const std::int64_t last = is_forward ? dim : -1;
  const std::int64_t begin = b.has_begin ? position(b.begin, dim, lowest, highest) : first;
  const std::int64_t end = b.has_end ? position(b.end, dim, lowest, highest) : last;
  const std::int64_t length = is_forward ? end - begin : begin - end;
  const std::int64_t step = is_forward ? b.stride : -b.stride;
  const std::int64_t count = length <= 0 ? 0 : (length + step - 1) / step;
  return {static_cast<std::int32_t>(begin), static_cast<std::int32_t>(b.stride),
          static_cast<std::int32_t>(count)};
}

}  // namespace

std::vector<SliceRange> slice_ranges(std::span<const std::int32_t> dims,
                                     std::span<const std::int64_t> begin,
                                     std::span<const std::int64_t> size) {
  require_operands(dims, begin.size());
  require_operands(dims, size.size());
  std::vector<SliceRange> ranges;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (begin[i] < 0 || begin[i] > dims[i] || size[i] < -1 || size[i] > dims[i] - begin[i]) {
      throw Error("slices {} elements from element {} of {}", size[i], begin[i], dims[i]);
    }
    const std::int64_t count = size[i] == -1 ? dims[i] - begin[i] : size[i];
    ranges.push_back({static_cast<std::int32_t>(begin[i]), 1, static_cast<std::int32_t>(count)});
  }
  return ranges;
}

std::vector<SliceRange> strided_slice_ranges(std::span<const std::int32_t> dims,
                                             std::span<const std::int64_t> begin,
                                             std::span<const std::int64_t> end,
                                             std::span<const std::int64_t> strides,
                                             const tflite::StridedSliceOptions& options) {
  if (begin.size() > dims.size() || begin.size() != end.size() || begin.size() != strides.size()) {
    throw Error("slices {} dimensions of a tensor of {}", begin.size(), dims.size());
  }
  if (options.ellipsis_mask() != 0 || options.new_axis_mask() != 0 || options.offset()) {
    throw Error("an ellipsis, new axes or offsets in a slice are not supported");
  }
  std::vector<SliceRange> ranges;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const auto is_set = [i](std::int32_t mask) { return (mask >> i & 1) != 0; };
    if (i >= begin.size()) {
      ranges.push_back({0, 1, dims[i]});
    } else if (is_set(options.shrink_axis_mask())) {
      ranges.push_back(single_element(is_set(options.begin_mask()) ? 0 : begin[i], dims[i]));
    } else {
      ranges.push_back(strided_range({begin[i], end[i], strides[i], !is_set(options.begin_mask()),
                                      !is_set(options.end_mask())},
                                     dims[i]));
    }
  }
  return ranges;
}

std::vector<std::int32_t> sliced_dims(std::span<const SliceRange> ranges) {
  std::vector<std::int32_t> dims;
  for (const SliceRange& range : ranges) {
    if (!range.is_dropped) dims.push_back(range.count);
  }
  return dims;
}

}  // namespace mcunet::engine
