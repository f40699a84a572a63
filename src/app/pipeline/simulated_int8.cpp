#include "simulated_int8.hpp"

#include <ATen/ops/amax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/fake_quantize_per_channel_affine.h>
#include <ATen/ops/fake_quantize_per_tensor_affine.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "mcunet/engine/arithmetic/quantized_arithmetic.hpp"
#include "mcunet/engine/quantization/quantizer.hpp"

namespace mcunet::pipeline {
namespace {

constexpr int kMaxWeight = 127;

}  // namespace

at::Tensor SimulatedInt8::run(const supernet::NetworkLayers& layers,
                              const at::Tensor& images) const {
  std::vector<OpTensors> parameters = fold(graph_, layers);
  const bool is_finite = round_weights(parameters);
  const at::Tensor logits =
      run_graph(graph_, parameters, images.to(parameters.front().weight.device(), at::kFloat),
                [&](engine::TensorId id, engine::Activation activation, const at::Tensor& tensor) {
                  return round_activation(id, activation, tensor);
                });
  // Rounding makes an ordinary number of what is none, and a divergence would go unnoticed.
  return is_finite ? logits : logits + std::numeric_limits<double>::quiet_NaN();
}

at::Tensor SimulatedInt8::round_activation(engine::TensorId id, engine::Activation activation,
                                           const at::Tensor& tensor) const {
  const engine::Quantization& quantization = graph_.info_of(id).quantization;
  const engine::ValueRange range = engine::activation_range(activation, quantization);
  return at::fake_quantize_per_tensor_affine(tensor, quantization.scale, quantization.zero_point,
                                             range.min, range.max);
}

// The largest magnitudes of all channels are fetched from the device at once, as the engine chooses
// the scales by them.
bool SimulatedInt8::round_weights(std::vector<OpTensors>& parameters) const {
  std::vector<at::Tensor> largest;
  for (const OpTensors& tensors : parameters) {
    if (!tensors.weight.defined()) continue;
    largest.push_back(tensors.weight.detach().flatten(1).abs().amax(1));
    largest.push_back(tensors.bias.detach().abs());
  }
  const at::Tensor fetched = at::cat(largest).cpu();
  const float* next = fetched.data_ptr<float>();
  const bool is_finite =
      std::all_of(next, next + fetched.numel(), [](float value) { return std::isfinite(value); });
  for (std::size_t id = 0; id < parameters.size(); ++id) {
    at::Tensor& weight = parameters[id].weight;
    if (!weight.defined()) continue;
    const engine::Op& op = graph_.ops[id];
    const auto channels = static_cast<std::size_t>(weight.size(0));
    const float input_scale = graph_.info_of(graph_.inputs_of(op)[0]).quantization.scale;
    std::vector<float> scales =
        engine::weight_scales(op, {next, channels}, {next + channels, channels}, input_scale);
    next += 2 * channels;
    scales.resize(channels, scales.front());
    const at::Tensor on_device =
        at::from_blob(scales.data(), {weight.size(0)}, at::kFloat).to(weight.device(), false, true);
    weight = at::fake_quantize_per_channel_affine(
        weight, on_device, at::zeros({weight.size(0)}, on_device.options().dtype(at::kInt)),
        /*axis=*/0, -kMaxWeight, kMaxWeight);
  }
  return is_finite;
}

}  // namespace mcunet::pipeline
