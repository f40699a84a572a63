#include "integer_simulation.hpp"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/arithmetic/layer_parameters.hpp"

namespace mcunet::pipeline {
namespace {

using engine::QuantizedMultiplier;

// The integers that values are so many scales of.
at::Tensor steps_of(const at::Tensor& values, double scale) {
  return (values.to(at::kDouble) / scale).round_().to(at::kLong);
}

// engine::multiply of int64 values.
at::Tensor multiply(const at::Tensor& values, const QuantizedMultiplier& by) {
  const std::int64_t factor = std::int64_t{by.multiplier} << std::max(by.shift, 0);
  const int exponent = std::max(-by.shift, 0);
  // Halves upwards.
  const at::Tensor high = (values * factor).add_(std::int64_t{1} << 30).bitwise_right_shift_(31);
  if (exponent == 0) return high;
  // Halves away from zero.
  return high.add(std::int64_t{1} << (exponent - 1))
      .sub_(high.lt(0).to(at::kLong))
      .bitwise_right_shift_(exponent);
}

// As multiply() does, in doubles: they hold every product of a sum below 2^22.
at::Tensor convolution(const at::Tensor& rescaling, const at::Tensor& sums) {
  std::vector<std::int64_t> along_channels(static_cast<std::size_t>(sums.dim()), 1);
  along_channels[1] = -1;
  const auto row = [&](std::int64_t i) { return rescaling[i].view(along_channels); };
  return sums.to(at::kDouble)
      .mul_(row(0))
      .round_()
      .mul_(row(1))
      .add_(0.5)
      .floor_()  // halves upwards
      .mul_(row(2))
      .round_();
}

at::Tensor addition(const engine::Graph& graph, const engine::Op& op,
                    std::span<const at::Tensor> inputs) {
  const auto scale_of = [&](engine::TensorId id) { return graph.info_of(id).quantization.scale; };
  const auto operands = graph.inputs_of(op);
  const engine::AdditionMultipliers by = engine::addition_multipliers(
      scale_of(operands[0]), scale_of(operands[1]), scale_of(op.output));
  const auto widened = [&](std::size_t i) {
    return steps_of(inputs[i], scale_of(operands[i])).mul_(engine::kAdditionHeadroom);
  };
  return multiply(multiply(widened(0), by.first).add_(multiply(widened(1), by.second)), by.output);
}

// The mean of all values less their zero point, halves away from zero as counted with it.
at::Tensor average(const engine::Graph& graph, const engine::Op& op, const at::Tensor& input) {
  const engine::Quantization& quantization = graph.info_of(op.output).quantization;
  const std::int64_t count = input.size(2) * input.size(3);
  const at::Tensor sum = steps_of(input, quantization.scale)
                             .sum({2, 3}, /*keepdim=*/true)
                             .add_(count * quantization.zero_point);
  return sum.abs()
      .add_(count / 2)
      .floor_divide_(count)
      .mul_(sum.sign())
      .sub_(quantization.zero_point);
}

}  // namespace

std::vector<double> rescaling_of(const engine::Graph& graph, const engine::Op& op,
                                 std::span<const float> weight_scales) {
  // Moves halves, and nothing else, away from zero before they are rounded.
  constexpr double kBeyondHalf = 1 + 0x1p-30;
  const double input_scale = graph.info_of(graph.inputs_of(op)[0]).quantization.scale;
  const std::size_t count = weight_scales.size();
  std::vector<double> rows(kRescalings * count);
  for (std::size_t c = 0; c < count; ++c) {
    const QuantizedMultiplier by =
        convolution_multiplier(graph, op, weight_scales, static_cast<std::int32_t>(c));
    rows[c] = 1 / (input_scale * weight_scales[c]);
    rows[count + c] = std::ldexp(by.multiplier, std::max(by.shift, 0) - 31);
    rows[2 * count + c] = std::ldexp(kBeyondHalf, std::min(by.shift, 0));
  }
  return rows;
}

at::Tensor integer_result(const engine::Graph& graph, const engine::Op& op,
                          const at::Tensor& rescaling, std::span<const at::Tensor> inputs,
                          const at::Tensor& sums) {
  const at::NoGradGuard no_grad;
  const engine::Quantization& quantization = graph.info_of(op.output).quantization;
  const engine::ValueRange range =
      engine::activation_range(op.activation, quantization, graph.tensors[op.output].type);
  at::Tensor steps;
  if (rescaling.defined()) {
    steps = convolution(rescaling, sums);
  } else if (op.kind == engine::OpKind::kAdd) {
    steps = addition(graph, op, inputs);
  } else if (op.kind == engine::OpKind::kAveragePool2d) {
    steps = average(graph, op, inputs[0]);
  } else {
    throw Error("operator {}: is not part of a trained network", engine::name_of(op.kind));
  }
  const std::int64_t zero_point = quantization.zero_point;
  return steps.clamp_(range.min - zero_point, range.max - zero_point)
      .to(at::kFloat)
      .mul_(quantization.scale);
}

}  // namespace mcunet::pipeline
