#include "simulated_quantization.hpp"

#include <ATen/ops/copysign.h>
#include <ATen/ops/fake_quantize_per_tensor_affine.h>
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>

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

// To multiples of a scale per output channel, or of one for all; a half is rounded away from zero, as the
// engine does.
at::Tensor round_to(const at::Tensor& weight, const std::vector<float>& scales, int max_steps) {
  const at::NoGradGuard no_grad;
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(weight.dim()), 1);
  sizes[0] = static_cast<std::int64_t>(scales.size());
  const at::Tensor scale =
      at::tensor(scales, at::kFloat).to(weight.device(), at::kDouble).view(sizes);
  const at::Tensor wide = weight.to(at::kDouble);
  const at::Tensor steps = (wide.abs() / scale).add_(0.5).floor_().clamp_max_(max_steps);
  return (at::copysign(steps, wide) * scale).to(at::kFloat);
}

}  // namespace

at::Tensor SimulatedQuantization::run(const supernet::NetworkLayers& layers,
                                      const at::Tensor& images) const {
  const auto [parameters, are_finite] = round_weights(layers);
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
  const engine::ValueRange range = engine::activation_range(activation, quantization);
  return at::fake_quantize_per_tensor_affine(tensor, quantization.scale, quantization.zero_point,
                                             range.min, range.max);
}

SimulatedQuantization::Parameters SimulatedQuantization::round_weights(
    const supernet::NetworkLayers& layers) const {
  Parameters result{.tensors = fold(graph_, layers)};
  const std::vector<engine::FloatParameters> floats = to_engine(graph_, result.tensors);
  result.are_finite = std::all_of(floats.begin(), floats.end(), are_finite);
  for (std::size_t id = 0; id < floats.size(); ++id) {
    at::Tensor& weight = result.tensors[id].weight;
    if (!weight.defined()) continue;
    const engine::Op& op = graph_.ops[id];
    const at::Tensor rounded =
        round_to(weight, engine::weight_scales(graph_, op, floats[id]), engine::max_weight(op));
    weight = rounded + (weight - weight.detach());  // the gradient is the weight's
  }
  return result;
}

}  // namespace mcunet::pipeline
