#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "schema_generated.h"

// What SLICE and STRIDED_SLICE take out of a tensor, dimension by dimension.
namespace mcunet::engine {

// The elements begin, begin + stride, ...: `count` of them, all within the dimension.
struct SliceRange {
  std::int32_t begin = 0;
  std::int32_t stride = 1;  // may be negative
  std::int32_t count = 1;
  bool is_dropped = false;  // one element, and the output lacks the dimension
};

// Throw Error if the operands do not fit `dims`. An empty range has a count of 0.
std::vector<SliceRange> slice_ranges(std::span<const std::int32_t> dims,
                                     std::span<const std::int64_t> begin,
                                     std::span<const std::int64_t> size);
std::vector<SliceRange> strided_slice_ranges(std::span<const std::int32_t> dims,
                                             std::span<const std::int64_t> begin,
                                             std::span<const std::int64_t> end,
                                             std::span<const std::int64_t> strides,
                                             const tflite::StridedSliceOptions& options);

// The output's dimensions.
std::vector<std::int32_t> sliced_dims(std::span<const SliceRange> ranges);

}  // namespace mcunet::engine
