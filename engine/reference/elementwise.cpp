// Operators between elements of two tensors, with broadcasting, and products of matrices.
#include <algorithm>

#include "mcunet/engine/arithmetic/layer_parameters.hpp"
#include "mcunet/engine/graph/shape_inference.hpp"
#include "reference/reference_kernels.hpp"

namespace mcunet::engine {
namespace {

// One side of a binary operator: a tensor or a constant.
struct Operand {
  Shape shape;
  Quantization quantization;
  const std::int8_t* data;

  // Its element at an output position, less the zero point.
  std::int32_t at(std::int32_t y, std::int32_t x, std::int32_t c) const {
    const std::size_t index = offset(shape, shape.height == 1 ? 0 : y, shape.width == 1 ? 0 : x,
                                     shape.channels == 1 ? 0 : c);
    return data[index] - quantization.zero_point;
  }
};

struct Operands {
  Operand first;
  Operand second;
};

Operand tensor_operand(const KernelCall& call, int index) {
  return {call.input_shape(index), call.input_quantization(index), call.input(index).data()};
}

Operands operands_of(const KernelCall& call) {
  const OpDetails& details = call.details();
  if (details.operand == kNoId) return {tensor_operand(call, 0), tensor_operand(call, 1)};
  const Constant& constant = call.graph.constants[details.operand];
  const Operand fixed = {shape_of_dims(constant.dims),
                         {constant.scales[0], constant.zero_point},
                         reinterpret_cast<const std::int8_t*>(constant.data.data())};
  const Operand tensor = tensor_operand(call, 0);
  return details.operand_is_first ? Operands{fixed, tensor} : Operands{tensor, fixed};
}

// Writes compute(a, b), with the output's zero point added and clamped, for every output element.
template <typename Compute>
void combine(const KernelCall& call, const Operands& operands, const Compute& compute) {
  const Shape& out = call.output_shape();
  const ValueRange range = call.output_range();
  const std::int64_t zero_point = call.output_quantization().zero_point;
  for (std::int32_t y = 0; y < out.height; ++y) {
    for (std::int32_t x = 0; x < out.width; ++x) {
      for (std::int32_t c = 0; c < out.channels; ++c) {
        const std::int64_t value =
            compute(operands.first.at(y, x, c), operands.second.at(y, x, c)) + zero_point;
        call.int8_output()[offset(out, y, x, c)] =
            static_cast<std::int8_t>(range.clamp(static_cast<std::int32_t>(value)));
      }
    }
  }
}

// `sign` is that of the second operand.
void add(const KernelCall& call, int sign) {
  const Operands operands = operands_of(call);
  const AdditionMultipliers by =
      addition_multipliers(operands.first.quantization.scale, operands.second.quantization.scale,
                           call.output_quantization().scale);
  combine(call, operands, [&](std::int32_t a, std::int32_t b) {
    return multiply(multiply(a * kAdditionHeadroom, by.first) +
                        sign * multiply(b * kAdditionHeadroom, by.second),
                    by.output);
  });
}

}  // namespace

void run_add(const KernelCall& call) { add(call, 1); }
void run_sub(const KernelCall& call) { add(call, -1); }

void run_mul(const KernelCall& call) {
  const Operands operands = operands_of(call);
  const QuantizedMultiplier multiplier =
      product_multiplier(operands.first.quantization.scale, operands.second.quantization.scale,
                         call.output_quantization().scale);
  combine(call, operands,
          [&](std::int32_t a, std::int32_t b) { return multiply(a * b, multiplier); });
}

void run_prelu(const KernelCall& call) {
  const Operands operands = operands_of(call);
  const LeakyReluMultipliers by =
      prelu_multipliers(operands.first.quantization.scale, operands.second.quantization.scale,
                        call.output_quantization().scale);
  combine(call, operands, [&](std::int32_t value, std::int32_t slope) {
    return value >= 0 ? multiply(value, by.positive) : multiply(value * slope, by.negative);
  });
}

void run_squared_difference(const KernelCall& call) {
  const Operands operands = operands_of(call);
  const AdditionMultipliers by =
      difference_multipliers(operands.first.quantization.scale, operands.second.quantization.scale,
                             call.output_quantization().scale);
  combine(call, operands, [&](std::int32_t a, std::int32_t b) {
    const std::int32_t difference =
        multiply(a * kDifferenceHeadroom, by.first) - multiply(b * kDifferenceHeadroom, by.second);
    return multiply(difference * difference, by.output);
  });
}

void run_batch_matmul(const KernelCall& call) {
  const auto [a, b] = operands_of(call);
  const QuantizedMultiplier multiplier = matrix_multiplier(
      a.quantization.scale, b.quantization.scale, call.output_quantization().scale);
  const bool is_transposed = call.details().is_transposed;
  const Shape& out = call.output_shape();
  for (std::int32_t i = 0; i < out.height; ++i) {
    for (std::int32_t row = 0; row < out.width; ++row) {
      for (std::int32_t column = 0; column < out.channels; ++column) {
        // An axis of one element is taken for one that repeats, which comes to the same.
        std::uint32_t sum = 0;
        for (std::int32_t k = 0; k < a.shape.channels; ++k) {
          sum += static_cast<std::uint32_t>(
              a.at(i, row, k) * (is_transposed ? b.at(i, column, k) : b.at(i, k, column)));
        }
        const std::int64_t value =
            std::int64_t{multiply(static_cast<std::int32_t>(sum), multiplier)} +
            call.output_quantization().zero_point;
        call.int8_output()[offset(out, i, row, column)] =
            static_cast<std::int8_t>(call.output_range().clamp(static_cast<std::int32_t>(value)));
      }
    }
  }
}

void run_maximum(const KernelCall& call) {
  combine(call, operands_of(call), [](std::int32_t a, std::int32_t b) { return std::max(a, b); });
}

void run_minimum(const KernelCall& call) {
  combine(call, operands_of(call), [](std::int32_t a, std::int32_t b) { return std::min(a, b); });
}

}  // namespace mcunet::engine
