#include "tflite/shape_folding.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <optional>

#include "mcunet/core/error.hpp"
#include "tflite/slice_ranges.hpp"

namespace mcunet::engine {
namespace {

using Dims = std::vector<std::int32_t>;
using Result = std::vector<IntegerTensor>;

[[noreturn]] void fail_overflow() { throw Error("its integers overflow"); }

std::int64_t add(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) fail_overflow();
  return result;
}

std::int64_t subtract(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_sub_overflow(a, b, &result)) fail_overflow();
  return result;
}

std::int64_t multiply(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) fail_overflow();
  return result;
}

// Towards zero.
std::int64_t divide(std::int64_t a, std::int64_t b) {
  if (b == 0) throw Error("divides by zero");
  return b == -1 ? subtract(0, a) : a / b;
}

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  const std::int64_t quotient = divide(a, b);
  return b != -1 && a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

std::int64_t floor_modulo(std::int64_t a, std::int64_t b) {
  return subtract(a, multiply(floor_divide(a, b), b));
}

std::int64_t larger(std::int64_t a, std::int64_t b) { return std::max(a, b); }
std::int64_t smaller(std::int64_t a, std::int64_t b) { return std::min(a, b); }

std::int64_t product(std::span<const std::int32_t> dims) {
  return std::accumulate(dims.begin(), dims.end(), std::int64_t{1}, multiply);
}

void require_small(std::int64_t elements) {
  if (elements < 0 || elements > static_cast<std::int64_t>(kMaxFoldedElements)) {
    throw Error("computes {} integers, which are more than a shape has", elements);
  }
}

void require_inputs(const FoldedCall& call, std::size_t least, std::size_t most) {
  if (call.inputs.size() < least || call.inputs.size() > most) {
    throw Error("has {} inputs", call.inputs.size());
  }
}

std::int64_t scalar(const IntegerTensor& tensor) {
  if (tensor.values.size() != 1) throw Error("an operand has {} values", tensor.values.size());
  return tensor.values[0];
}

template <typename Options>
const Options& options_of(const FoldedCall& call) {
  const auto* options = call.source.builtin_options_as<Options>();
  if (options == nullptr) throw Error("its options are missing");
  return *options;
}

// The distance between neighbours along each dimension; 0 where `dims` has 1, for broadcasting.
std::vector<std::int64_t> strides_of(const Dims& dims) {
  std::vector<std::int64_t> strides(dims.size());
  std::int64_t stride = 1;
  for (std::size_t i = dims.size(); i-- > 0;) {
    strides[i] = dims[i] == 1 ? 0 : stride;
    stride *= dims[i];
  }
  return strides;
}

// The values at `origin` plus all combinations of steps: `dims` elements, `strides` apart.
std::vector<std::int64_t> gather(const IntegerTensor& source, const Dims& dims, std::int64_t origin,
                                 std::span<const std::int64_t> strides) {
  require_small(product(dims));
  std::vector<std::int64_t> values;
  for (std::int64_t n = product(dims), i = 0; i < n; ++i) {
    std::int64_t at = origin;
    std::int64_t rest = i;
    for (std::size_t axis = dims.size(); axis-- > 0; rest /= dims[axis]) {
      at += rest % dims[axis] * strides[axis];
    }
    values.push_back(source.values[static_cast<std::size_t>(at)]);
  }
  return values;
}

Dims broadcast(const Dims& a, const Dims& b) {
  Dims result(std::max(a.size(), b.size()));
  for (std::size_t i = 0; i < result.size(); ++i) {
    const std::int32_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    const std::int32_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1) throw Error("its operands' shapes do not match");
    result[result.size() - 1 - i] = x == 1 ? y : x;
  }
  return result;
}

std::vector<std::int64_t> broadcast_to(const IntegerTensor& tensor, const Dims& dims) {
  Dims padded(dims.size() - tensor.dims.size(), 1);
  padded.insert(padded.end(), tensor.dims.begin(), tensor.dims.end());
  return gather(tensor, dims, 0, strides_of(padded));
}

// `Apply` on the operands' elements.
template <std::int64_t (*Apply)(std::int64_t, std::int64_t), typename Options = void>
Result elementwise(const FoldedCall& call) {
  require_inputs(call, 2, 2);
  if constexpr (!std::is_void_v<Options>) {
    if (options_of<Options>(call).activation() != tflite::ActivationFunction_NONE) {
      throw Error("a fused activation on integers is not supported");
    }
  }
  IntegerTensor result{broadcast(call.inputs[0].dims, call.inputs[1].dims), {}};
  result.values = broadcast_to(call.inputs[0], result.dims);
  const std::vector<std::int64_t> other = broadcast_to(call.inputs[1], result.dims);
  for (std::size_t i = 0; i < other.size(); ++i) {
    result.values[i] = Apply(result.values[i], other[i]);
  }
  return {result};
}

// Over the axes of the second operand.
template <std::int64_t (*Apply)(std::int64_t, std::int64_t), std::int64_t kInitial>
Result reduce(const FoldedCall& call) {
  require_inputs(call, 2, 2);
  const auto& [input, axes] = std::tie(call.inputs[0], call.inputs[1]);
  std::vector<bool> is_reduced(input.dims.size(), false);
  for (std::int64_t axis : axes.values) is_reduced[axis_of(axis, input.dims.size())] = true;
  Dims kept = input.dims;
  for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = is_reduced[i] ? 1 : kept[i];
  const std::vector<std::int64_t> strides = strides_of(kept);
  IntegerTensor result{kept, std::vector(static_cast<std::size_t>(product(kept)), kInitial)};
  for (std::size_t i = 0; i < input.values.size(); ++i) {
    std::int64_t at = 0;
    auto rest = static_cast<std::int64_t>(i);
    for (std::size_t axis = kept.size(); axis-- > 0; rest /= input.dims[axis]) {
      at += rest % input.dims[axis] * strides[axis];
    }
    std::int64_t& value = result.values[static_cast<std::size_t>(at)];
    value = Apply(value, input.values[i]);
  }
  if (!options_of<tflite::ReducerOptions>(call).keep_dims()) {
    result.dims.clear();
    for (std::size_t i = 0; i < kept.size(); ++i) {
      if (!is_reduced[i]) result.dims.push_back(kept[i]);
    }
  }
  return {result};
}

// CAST between integer types and the like: the range of the output's type is checked outside.
Result identity(const FoldedCall& call) {
  require_inputs(call, 1, 1);
  return {call.inputs[0]};
}

Result reshape(const FoldedCall& call) {
  require_inputs(call, 1, 2);
  const auto* options = call.source.builtin_options_as_ReshapeOptions();
  std::vector<std::int64_t> requested;
  if (call.inputs.size() == 2) {
    requested = call.inputs[1].values;
  } else if (options != nullptr && options->new_shape() != nullptr) {
    requested.assign(options->new_shape()->begin(), options->new_shape()->end());
  }
  const IntegerTensor& input = call.inputs[0];
  return {{reshaped_dims(static_cast<std::int64_t>(input.values.size()), requested), input.values}};
}

Result expand_dims(const FoldedCall& call) {
  require_inputs(call, 2, 2);
  IntegerTensor result = call.inputs[0];
  const std::size_t axis = axis_of(scalar(call.inputs[1]), result.dims.size() + 1);
  result.dims.insert(result.dims.begin() + static_cast<std::ptrdiff_t>(axis), 1);
  return {result};
}

Result squeeze(const FoldedCall& call) {
  require_inputs(call, 1, 1);
  const auto* axes = options_of<tflite::SqueezeOptions>(call).squeeze_dims();
  const Dims none;
  IntegerTensor result = call.inputs[0];
  result.dims = axes == nullptr ? squeezed_dims(result.dims, none)
                                : squeezed_dims(result.dims, Dims(axes->begin(), axes->end()));
  return {result};
}

// Joins tensors that agree but for `axis`.
IntegerTensor concatenate(std::span<const IntegerTensor> parts, std::size_t axis) {
  IntegerTensor result{parts[0].dims, {}};
  result.dims[axis] = 0;
  for (const IntegerTensor& part : parts) {
    Dims joined = result.dims;
    if (part.dims.size() != joined.size()) throw Error("its operands' shapes do not match");
    joined[axis] = part.dims[axis];
    if (joined != part.dims) throw Error("its operands' shapes do not match");
    result.dims[axis] += part.dims[axis];
    require_small(product(result.dims));
  }
  const auto front = std::span(result.dims).first(axis);
  for (std::int64_t outer = product(front), i = 0; i < outer; ++i) {
    for (const IntegerTensor& part : parts) {
      const auto block = static_cast<std::ptrdiff_t>(part.values.size()) / outer;
      const auto begin = part.values.begin() + block * i;
      result.values.insert(result.values.end(), begin, begin + block);
    }
  }
  return result;
}

Result concatenation(const FoldedCall& call) {
  const auto& options = options_of<tflite::ConcatenationOptions>(call);
  if (call.inputs.empty()) throw Error("has no inputs");
  return {concatenate(call.inputs, axis_of(options.axis(), call.inputs[0].dims.size()))};
}

Result pack(const FoldedCall& call) {
  if (call.inputs.empty()) throw Error("has no inputs");
  std::vector<IntegerTensor> parts = call.inputs;
  const std::size_t axis =
      axis_of(options_of<tflite::PackOptions>(call).axis(), parts[0].dims.size() + 1);
  for (IntegerTensor& part : parts) {
    if (part.dims != call.inputs[0].dims) throw Error("its operands' shapes do not match");
    part.dims.insert(part.dims.begin() + static_cast<std::ptrdiff_t>(axis), 1);
  }
  return {concatenate(parts, axis)};
}

// `ranges` of a tensor.
IntegerTensor sliced(const IntegerTensor& input, std::span<const SliceRange> ranges) {
  const std::vector<std::int64_t> steps = strides_of(input.dims);
  std::vector<std::int64_t> strides;
  Dims counts;
  std::int64_t origin = 0;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    origin += ranges[i].begin * steps[i];
    strides.push_back(ranges[i].stride * steps[i]);
    counts.push_back(ranges[i].count);
  }
  return {sliced_dims(ranges), gather(input, counts, origin, strides)};
}

Result unpack(const FoldedCall& call) {
  require_inputs(call, 1, 1);
  const IntegerTensor& input = call.inputs[0];
  const std::size_t axis =
      axis_of(options_of<tflite::UnpackOptions>(call).axis(), input.dims.size());
  std::vector<SliceRange> ranges;
  for (std::int32_t dim : input.dims) ranges.push_back({0, 1, dim});
  Result results;
  for (std::int32_t i = 0; i < input.dims[axis]; ++i) {
    ranges[axis] = {i, 1, 1, /*is_dropped=*/true};
    results.push_back(sliced(input, ranges));
  }
  return results;
}

Result slice(const FoldedCall& call) {
  require_inputs(call, 3, 3);
  const IntegerTensor& input = call.inputs[0];
  return {sliced(input, slice_ranges(input.dims, call.inputs[1].values, call.inputs[2].values))};
}

Result strided_slice(const FoldedCall& call) {
  require_inputs(call, 4, 4);
  const IntegerTensor& input = call.inputs[0];
  return {sliced(input, strided_slice_ranges(input.dims, call.inputs[1].values,
                                             call.inputs[2].values, call.inputs[3].values,
                                             options_of<tflite::StridedSliceOptions>(call)))};
}

Result gather_elements(const FoldedCall& call) {
  require_inputs(call, 2, 2);
  const auto& options = options_of<tflite::GatherOptions>(call);
  const auto& [input, indices] = std::tie(call.inputs[0], call.inputs[1]);
  if (options.batch_dims() != 0) throw Error("batch dimensions are not supported");
  const std::size_t axis = axis_of(options.axis(), input.dims.size());
  const auto split = input.dims.begin() + static_cast<std::ptrdiff_t>(axis);
  const std::int32_t size = *split;
  IntegerTensor result{Dims(input.dims.begin(), split), {}};
  result.dims.insert(result.dims.end(), indices.dims.begin(), indices.dims.end());
  result.dims.insert(result.dims.end(), split + 1, input.dims.end());
  require_small(product(result.dims));
  const std::int64_t outer = product(Dims(input.dims.begin(), split));
  const std::int64_t inner = product(Dims(split + 1, input.dims.end()));
  for (std::int64_t i = 0; i < outer; ++i) {
    for (std::int64_t index : indices.values) {
      if (index < 0 || index >= size) throw Error("takes element {} of {}", index, size);
      const auto begin = input.values.begin() + (i * size + index) * inner;
      result.values.insert(result.values.end(), begin, begin + inner);
    }
  }
  return {result};
}

// A shape that an operand holds.
Dims dims_in(const IntegerTensor& shape) {
  Dims dims;
  for (std::int64_t dim : shape.values) {
    require_small(dim);
    dims.push_back(static_cast<std::int32_t>(dim));
  }
  require_small(product(dims));
  return dims;
}

Result fill(const FoldedCall& call) {
  require_inputs(call, 2, 2);
  const Dims dims = dims_in(call.inputs[0]);
  const std::vector values(static_cast<std::size_t>(product(dims)), scalar(call.inputs[1]));
  return {{dims, values}};
}

Result range(const FoldedCall& call) {
  require_inputs(call, 3, 3);
  const std::int64_t limit = scalar(call.inputs[1]);
  const std::int64_t delta = scalar(call.inputs[2]);
  if (delta == 0) throw Error("a range with a step of 0");
  IntegerTensor result;
  for (std::int64_t at = scalar(call.inputs[0]); delta > 0 ? at < limit : at > limit;) {
    result.values.push_back(at);
    require_small(static_cast<std::int64_t>(result.values.size()));
    at = add(at, delta);
  }
  result.dims = {static_cast<std::int32_t>(result.values.size())};
  return {result};
}

Result broadcast_dims(const FoldedCall& call) {
  require_inputs(call, 2, 2);
  const Dims dims = dims_in(call.inputs[1]);
  if (broadcast(call.inputs[0].dims, dims) != dims) throw Error("does not broadcast to its shape");
  return {{dims, broadcast_to(call.inputs[0], dims)}};
}

struct Row {
  tflite::BuiltinOperator code;
  IntegerEvaluator evaluate;
};

constexpr std::array kRows = {
    Row{tflite::BuiltinOperator_ADD, elementwise<add, tflite::AddOptions>},
    Row{tflite::BuiltinOperator_SUB, elementwise<subtract, tflite::SubOptions>},
    Row{tflite::BuiltinOperator_MUL, elementwise<multiply, tflite::MulOptions>},
    Row{tflite::BuiltinOperator_DIV, elementwise<divide>},
    Row{tflite::BuiltinOperator_FLOOR_DIV, elementwise<floor_divide>},
    Row{tflite::BuiltinOperator_FLOOR_MOD, elementwise<floor_modulo>},
    Row{tflite::BuiltinOperator_MAXIMUM, elementwise<larger>},
    Row{tflite::BuiltinOperator_MINIMUM, elementwise<smaller>},
    Row{tflite::BuiltinOperator_REDUCE_PROD, reduce<multiply, 1>},
    Row{tflite::BuiltinOperator_SUM, reduce<add, 0>},
    Row{tflite::BuiltinOperator_REDUCE_MAX, reduce<larger, INT64_MIN>},
    Row{tflite::BuiltinOperator_REDUCE_MIN, reduce<smaller, INT64_MAX>},
    Row{tflite::BuiltinOperator_CAST, identity},
    Row{tflite::BuiltinOperator_RESHAPE, reshape},
    Row{tflite::BuiltinOperator_EXPAND_DIMS, expand_dims},
    Row{tflite::BuiltinOperator_SQUEEZE, squeeze},
    Row{tflite::BuiltinOperator_CONCATENATION, concatenation},
    Row{tflite::BuiltinOperator_PACK, pack},
    Row{tflite::BuiltinOperator_UNPACK, unpack},
    Row{tflite::BuiltinOperator_SLICE, slice},
    Row{tflite::BuiltinOperator_STRIDED_SLICE, strided_slice},
    Row{tflite::BuiltinOperator_GATHER, gather_elements},
    Row{tflite::BuiltinOperator_FILL, fill},
    Row{tflite::BuiltinOperator_RANGE, range},
    Row{tflite::BuiltinOperator_BROADCAST_TO, broadcast_dims},
};

}  // namespace

IntegerEvaluator integer_evaluator(tflite::BuiltinOperator code) {
  const auto* row = std::find_if(kRows.begin(), kRows.end(),
                                 [code](const Row& candidate) { return candidate.code == code; });
  return row == kRows.end() ? nullptr : row->evaluate;
}

std::vector<std::int32_t> reshaped_dims(std::int64_t elements,
                                        std::span<const std::int64_t> requested) {
  std::int64_t known = 1;
  for (std::int64_t dim : requested) {
    if (dim < -1 || dim != static_cast<std::int32_t>(dim)) throw Error("a dimension of {}", dim);
    if (dim != -1) known = multiply(known, dim);
  }
  const auto open = std::count(requested.begin(), requested.end(), -1);
  if (open > 1 || (open == 1 ? known == 0 || elements % known != 0 : known != elements)) {
    throw Error("{} elements do not fit its shape", elements);
  }
  Dims dims;
  for (std::int64_t dim : requested) {
    dims.push_back(static_cast<std::int32_t>(dim == -1 ? elements / known : dim));
  }
  return dims;
}

std::vector<std::int32_t> squeezed_dims(std::span<const std::int32_t> dims,
                                        std::span<const std::int32_t> axes) {
  std::vector<bool> is_removed(dims.size(), false);
  for (std::int32_t axis : axes) is_removed[axis_of(axis, dims.size())] = true;
  Dims kept;
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (is_removed[i] && dims[i] != 1) throw Error("squeezes a dimension of {}", dims[i]);
    if (axes.empty() ? dims[i] != 1 : !is_removed[i]) kept.push_back(dims[i]);
  }
  return kept;
}

std::size_t axis_of(std::int64_t axis, std::size_t rank) {
  const auto dimensions = static_cast<std::int64_t>(rank);
  if (axis < -dimensions || axis >= dimensions) {
    throw Error("axis {} of {} dimensions", axis, rank);
  }
  return static_cast<std::size_t>(axis < 0 ? axis + dimensions : axis);
}

}  // namespace mcunet::engine
