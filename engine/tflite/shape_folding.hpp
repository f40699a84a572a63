#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "schema_generated.h"

// Integers that a file computes from shapes and constants, as Keras models do where their batch is
// not fixed: SHAPE, STRIDED_SLICE, PACK before a RESHAPE. Their values do not depend on the input,
// so they are known when the file is read, and none of these operators becomes part of the graph.
namespace mcunet::engine {

struct IntegerTensor {
  std::vector<std::int32_t> dims;
  std::vector<std::int64_t> values;  // row-major

  bool operator==(const IntegerTensor&) const = default;
};

// What shapes are made of is short; longer tensors of integers are data.
inline constexpr std::size_t kMaxFoldedElements = 4096;

struct FoldedCall {
  const tflite::Operator& source;
  std::vector<IntegerTensor> inputs;
};

// Throws Error if the operands do not fit the operator. One result for each output.
using IntegerEvaluator = std::vector<IntegerTensor> (*)(const FoldedCall& call);

// nullptr: the operator is none of shape arithmetic. SHAPE and RANK are not here, as they look at
// their input's dimensions, not its values.
IntegerEvaluator integer_evaluator(tflite::BuiltinOperator code);

// The shape that a RESHAPE of `elements` elements to `requested` gives: one dimension may be -1.
// Throws Error if there is none.
std::vector<std::int32_t> reshaped_dims(std::int64_t elements,
                                        std::span<const std::int64_t> requested);

// Without the dimensions of `axes`, negative from the end, or without all of 1 if there are no
// axes. Throws Error if one of them is not 1.
std::vector<std::int32_t> squeezed_dims(std::span<const std::int32_t> dims,
                                        std::span<const std::int32_t> axes);

// `axis` from the front; throws Error if the tensor has no such dimension.
std::size_t axis_of(std::int64_t axis, std::size_t rank);

}  // namespace mcunet::engine
