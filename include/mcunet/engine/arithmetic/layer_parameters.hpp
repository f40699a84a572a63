#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "mcunet/engine/arithmetic/quantized_arithmetic.hpp"
#include "mcunet/engine/graph/graph.hpp"

// The constants that quantized operators compute with, from the scales of their tensors. The
// reference executor, the code generator and the simulation in training all take them from here.
namespace mcunet::engine {

// Of a convolution or a fully connected layer: input scale * weight scale / output scale.
QuantizedMultiplier convolution_multiplier(const Graph& graph, const Op& op, std::int32_t channel);

// The same with other scales than those of the graph's weights: one, or one per output channel.
QuantizedMultiplier convolution_multiplier(const Graph& graph, const Op& op,
                                           std::span<const float> weight_scales,
                                           std::int32_t channel);

// Of an addition or subtraction: both operands are brought to twice the larger of their scales with
// 20 more bits, added there and brought to the output's scale.
inline constexpr std::int32_t kAdditionHeadroom = 1 << 20;
struct AdditionMultipliers {
  QuantizedMultiplier first;
  QuantizedMultiplier second;
  QuantizedMultiplier output;
};
AdditionMultipliers addition_multipliers(float first_scale, float second_scale, float output_scale);

// Of the square of a difference, which has 7 more bits before it is squared.
inline constexpr std::int32_t kDifferenceHeadroom = 1 << 7;
AdditionMultipliers difference_multipliers(float first_scale, float second_scale,
                                           float output_scale);

// Of a product.
QuantizedMultiplier product_multiplier(float first_scale, float second_scale, float output_scale);

// Of a product of matrices, whose scales are multiplied in single precision.
QuantizedMultiplier matrix_multiplier(float first_scale, float second_scale, float output_scale);

// Of an LSTM: sums to gates in Q3.12, those over the input and those over the hidden state; a product in Q0.30 to the
// hidden state. Cells are real numbers divided by 2^cell_exponent, and are clipped to `cells`.
struct LstmParameters {
  std::array<QuantizedMultiplier, kGates> input;
  std::array<QuantizedMultiplier, kGates> recurrent;
  QuantizedMultiplier hidden;
  int cell_exponent = 0;
  ValueRange cells;

  // Of a gate times a cell, to a cell; and of two gates.
  QuantizedMultiplier forgotten() const { return {1 << 30, -14}; }
  QuantizedMultiplier added() const { return {1 << 30, -29 - cell_exponent}; }
};
LstmParameters lstm_parameters(const Graph& graph, const Op& op);

// Of a mean over `count` elements: the scales' ratio, with the factor 1 / count within it,
// truncated. With a count of 1, that of a sum.
QuantizedMultiplier mean_multiplier(float input_scale, float output_scale, std::int64_t count);

// Of a softmax: differences from the maximum in Q5.26, those beyond `least_difference` count as
// nothing.
struct SoftmaxParameters {
  QuantizedMultiplier multiplier;
  std::int32_t least_difference = 0;
};
SoftmaxParameters softmax_parameters(float input_scale, float beta);

// Of a logarithm of softmax: as a softmax's with a beta of 1, and the way back, from Q5.26 to
// differences.
struct LogSoftmaxParameters {
  SoftmaxParameters exponential;
  QuantizedMultiplier inverse;
};
LogSoftmaxParameters log_softmax_parameters(float input_scale);

// Of leaky_relu: of values at least zero, and of those below.
struct LeakyReluMultipliers {
  QuantizedMultiplier positive;
  QuantizedMultiplier negative;
};
LeakyReluMultipliers leaky_relu_multipliers(float input_scale, float output_scale, float alpha);

// Of prelu: of values at least zero, and of products of those below with their slopes.
LeakyReluMultipliers prelu_multipliers(float input_scale, float slope_scale, float output_scale);

// Of resize_bilinear: between which elements along one axis those of the output lie, `weight`
// 1024ths of the way from the first to the second.
struct Interpolation {
  std::int32_t first = 0;
  std::int32_t second = 0;
  std::int32_t weight = 0;
};
std::vector<Interpolation> interpolations(std::int32_t input, std::int32_t output,
                                          const OpDetails& details);

// Of resize_nearest_neighbor: where the elements along one axis of the output come from.
std::vector<std::int32_t> nearest_neighbors(std::int32_t input, std::int32_t output,
                                            const OpDetails& details);

// Of mirror_pad: the same, for as many elements as the output has, of which `before` come before the input's.
std::vector<std::int32_t> mirrored(std::int32_t input, std::int32_t before, std::int32_t output,
                                   const OpDetails& details);

}  // namespace mcunet::engine
