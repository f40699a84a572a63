#include "simulated_quantization.hpp"

#include <ATen/ops/copysign.h>
#include <ATen/ops/fake_quantize_per_tensor_affine.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "mcunet/engine/arithmetic/quantized_arithmetic.hpp"
#include "mcunet/engine/graph/weights.hpp"
#include "mcunet/engine/quantization/quantizer.hpp"

namespace mcunet::pipeline {
namespace {

bool are_finite(const engine::FloatParameters& floats) {
  const auto is_finite = [](float value) { return std::isfinite(value); };
  return std::all_of(floats.weights.begin(), floats.weights.end(), is_finite) &&
         std::all_of(floats.bias.begin(), floats.bias.end(), is_finite);
}

// To multiples of a scale per output channel, up to so many; a half is rounded away from zero, as the
// engine does. The gradient is that of what was rounded.
at::Tensor round_to(const at::Tensor& scale, double max_steps, const at::Tensor& exact) {
  const at::Tensor wide = exact.detach().to(at::kDouble);
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(wide.dim()), 1);
  sizes[0] = scale.numel();
  const at::Tensor scales = scale.view(sizes);
  const at::Tensor steps = (wide.abs() / scales).add_(0.5).floor_().clamp_max_(max_steps);
  const at::Tensor rounded = (at::copysign(steps, wide) * scales).to(at::kFloat);
  return rounded + (exact - exact.detach());
}

}  // namespace

at::Tensor SimulatedQuantization::run(const supernet::NetworkLayers& layers,
                                      const at::Tensor& images) const {
  const auto [parameters, are_finite] = round_parameters(layers);
  const at::Tensor logits =
      run_graph(graph_, parameters, images.to(parameters.front().weight.device(), at::kFloat),
                [&](engine::TensorId id, engine::Activation activation, const at::Tensor& tensor) {
                  return round_activation(id, activation, tensor);
                });
  // Rounding makes an ordinary number of what is none, and a divergence would go unnoticed.
  return are_finite ? logits : logits + std::numeric_limits<double>::quiet_NaN();
}

at::Tensor SimulatedQuantization::round_activation(engine::TensorId id,
                                                   engine::Activation activation,
                                                   const at::Tensor& tensor) const {
  const engine::Quantization& quantization = graph_.info_of(id).quantization;
  const engine::ValueRange range =
      engine::activation_range(activation, quantization, graph_.tensors[id].type);
  return at::fake_quantize_per_tensor_affine(tensor, quantization.scale, quantization.zero_point,
                                             range.min, range.max);
}

SimulatedQuantization::Parameters SimulatedQuantization::round_parameters(
    const supernet::NetworkLayers& layers) const {
  Parameters result{.tensors = fold(graph_, layers)};
  const std::vector<engine::FloatParameters> floats = to_engine(graph_, result.tensors);
  result.are_finite = std::all_of(floats.begin(), floats.end(), are_finite);
  for (std::size_t id = 0; id < floats.size(); ++id) {
    auto& [weight, bias] = result.tensors[id];
    if (!weight.defined()) continue;
    const engine::Op& op = graph_.ops[id];
    const double input_scale = graph_.info_of(graph_.inputs_of(op)[0]).quantization.scale;
    const at::Tensor scale = at::tensor(engine::weight_scales(graph_, op, floats[id]), at::kFloat)
                                 .to(weight.device(), at::kDouble);
    weight = round_to(scale, engine::max_weight(op), weight);
    bias = round_to(scale * input_scale, engine::kMaxBias, bias);
  }
  return result;
}

}  // namespace mcunet::pipeline
