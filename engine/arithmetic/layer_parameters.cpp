#include "mcunet/engine/arithmetic/layer_parameters.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "mcunet/engine/graph/operator_table.hpp"

namespace mcunet::engine {

QuantizedMultiplier convolution_multiplier(const Graph& graph, const Op& op, std::int32_t channel) {
  return convolution_multiplier(graph, op, graph.constants[graph.details_of(op).weights].scales,
                                channel);
}

QuantizedMultiplier convolution_multiplier(const Graph& graph, const Op& op,
                                           std::span<const float> weight_scales,
                                           std::int32_t channel) {
  const float input = graph.info_of(graph.inputs_of(op)[0]).quantization.scale;
  const double output = graph.info_of(op.output).quantization.scale;
  const bool is_per_tensor = weight_scales.size() == 1;
  // A fully connected layer with one scale multiplies its scales in single precision.
  if (is_per_tensor && traits_of(op.kind).weights == WeightOrder::kMatrix) {
    return quantize_multiplier(double{input * weight_scales[0]} / output);
  }
  return quantize_multiplier(double{input} * double{weight_scales[is_per_tensor ? 0 : channel]} /
                             output);
}

AdditionMultipliers addition_multipliers(float first_scale, float second_scale,
                                         float output_scale) {
  const double shared_scale = 2 * std::max(double{first_scale}, double{second_scale});
  return {quantize_multiplier(first_scale / shared_scale),
          quantize_multiplier(second_scale / shared_scale),
          quantize_multiplier(shared_scale / (kAdditionHeadroom * double{output_scale}))};
}

AdditionMultipliers difference_multipliers(float first_scale, float second_scale,
                                           float output_scale) {
  constexpr double kSquaredHeadroom = kDifferenceHeadroom * kDifferenceHeadroom;
  const double shared_scale = 2 * std::max(double{first_scale}, double{second_scale});
  return {
      quantize_multiplier(first_scale / shared_scale),
      quantize_multiplier(second_scale / shared_scale),
      quantize_multiplier(shared_scale * shared_scale / (kSquaredHeadroom * double{output_scale}))};
}

QuantizedMultiplier product_multiplier(float first_scale, float second_scale, float output_scale) {
  return quantize_multiplier(double{first_scale} * double{second_scale} / double{output_scale});
}

QuantizedMultiplier matrix_multiplier(float first_scale, float second_scale, float output_scale) {
  // Scales far from any use may exceed it.
  const float product = std::min(first_scale * second_scale, std::numeric_limits<float>::max());
  return quantize_multiplier(double{product} / double{output_scale});
}

LstmParameters lstm_parameters(const Graph& graph, const Op& op) {
  constexpr double kGateScale = 1.0 / (1 << 12);
  constexpr double kProductScale = 1.0 / (1 << 30);
  const OpDetails& details = graph.details_of(op);
  const auto states = states_of(graph, op);
  const float input = graph.info_of(graph.inputs_of(op)[0]).quantization.scale;
  const float hidden = graph.info_of(states[0]).quantization.scale;
  const float cell = graph.info_of(states[1]).quantization.scale;
  LstmParameters result;
  // Not in single precision, as those of a fully connected layer.
  const auto multiplier = [&](double scale, ConstantId weights) {
    return quantize_multiplier(scale * double{graph.constants[weights].scales[0]} / kGateScale);
  };
  for (std::size_t gate = 0; gate < kGates; ++gate) {
    result.input[gate] = multiplier(input, details.gates.input[gate]);
    result.recurrent[gate] = multiplier(hidden, details.gates.recurrent[gate]);
  }
  result.hidden = quantize_multiplier(kProductScale / double{hidden});
  result.cell_exponent = std::ilogb(cell);
  constexpr std::int32_t kMost = std::numeric_limits<std::int16_t>::max();
  const double clip = std::min(double{details.cell_clip} / double{cell}, double{kMost});
  const auto limit = static_cast<std::int32_t>(clip);
  result.cells = details.cell_clip > 0 ? ValueRange{-limit, limit} : ValueRange{-kMost - 1, kMost};
  return result;
}

QuantizedMultiplier mean_multiplier(float input_scale, float output_scale, std::int64_t count) {
  const QuantizedMultiplier ratio = quantize_multiplier(double{input_scale} / double{output_scale});
  const int bits = 63 - std::countl_zero(static_cast<std::uint64_t>(count));
  const int shift = std::min({bits, 32, 31 + ratio.shift});
  const std::int64_t widened = std::int64_t{ratio.multiplier} * (std::int64_t{1} << shift);
  return {static_cast<std::int32_t>(widened / count), ratio.shift - shift};
}

SoftmaxParameters softmax_parameters(float input_scale, float beta) {
  constexpr int kIntegerBits = 5;
  const double real = double{beta} * double{input_scale} * (1 << (31 - kIntegerBits));
  const QuantizedMultiplier multiplier =
      quantize_multiplier(std::min(real, std::ldexp(1.0, 31) - 1));
  return {multiplier, -input_radius(kIntegerBits, multiplier.shift)};
}

LogSoftmaxParameters log_softmax_parameters(float input_scale) {
  const SoftmaxParameters exponential = softmax_parameters(input_scale, /*beta=*/1);
  const QuantizedMultiplier& by = exponential.multiplier;
  return {exponential, quantize_multiplier(std::ldexp(1.0, 31 - by.shift) / by.multiplier)};
}

LeakyReluMultipliers leaky_relu_multipliers(float input_scale, float output_scale, float alpha) {
  return {quantize_multiplier(double{input_scale / output_scale}),
          quantize_multiplier(double{input_scale * alpha / output_scale})};
}

LeakyReluMultipliers prelu_multipliers(float input_scale, float slope_scale, float output_scale) {
  return {quantize_multiplier(double{input_scale} / double{output_scale}),
          product_multiplier(input_scale, slope_scale, output_scale)};
}

std::vector<Interpolation> interpolations(std::int32_t input, std::int32_t output,
                                          const OpDetails& details) {
  constexpr std::int64_t kOne = 1 << 10;
  const bool to_corners = details.align_corners && output > 1;
  const std::int64_t from = to_corners ? input - 1 : input;
  const std::int64_t to = to_corners ? output - 1 : output;
  const std::int64_t scale = (kOne * from + to / 2) / to;
  const std::int64_t offset = details.half_pixel_centers ? scale / 2 - kOne / 2 : 0;
  std::vector<Interpolation> result;
  for (std::int64_t i = 0; i < output; ++i) {
    const std::int64_t position = i * scale + offset;
    const auto first =
        static_cast<std::int32_t>(std::clamp<std::int64_t>(position / kOne, 0, input - 1));
    const auto second =
        static_cast<std::int32_t>(std::min<std::int64_t>((position + kOne - 1) / kOne, input - 1));
    // Beyond the border, both are the same and the weight does not matter.
    const std::int64_t weight = first == second ? 0 : position - first * kOne;
    result.push_back({first, second, static_cast<std::int32_t>(weight)});
  }
  return result;
}

std::vector<std::int32_t> nearest_neighbors(std::int32_t input, std::int32_t output,
                                            const OpDetails& details) {
  const bool to_corners = details.align_corners && output > 1;
  const float scale = to_corners ? static_cast<float>(input - 1) / static_cast<float>(output - 1)
                                 : static_cast<float>(input) / static_cast<float>(output);
  const float centre = details.half_pixel_centers ? 0.5F : 0.0F;
  std::vector<std::int32_t> sources;
  for (std::int32_t i = 0; i < output; ++i) {
    const float position = (static_cast<float>(i) + centre) * scale;
    const float rounded = details.align_corners ? std::round(position) : std::floor(position);
    sources.push_back(std::clamp(static_cast<std::int32_t>(rounded), 0, input - 1));
  }
  return sources;
}

std::vector<std::int32_t> mirrored(std::int32_t input, std::int32_t before, std::int32_t output,
                                   const OpDetails& details) {
  const std::int32_t repeated = details.repeats_edges ? 1 : 0;
  std::vector<std::int32_t> sources;
  for (std::int32_t i = -before; i < output - before; ++i) {
    sources.push_back(i < 0 ? -i - repeated : i >= input ? 2 * (input - 1) + repeated - i : i);
  }
  return sources;
}

}  // namespace mcunet::engine
