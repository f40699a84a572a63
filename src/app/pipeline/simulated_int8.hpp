#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "float_graph.hpp"
#include "mcunet/engine/graph/graph.hpp"

namespace mcunet::pipeline {

// What a network computes once it is quantized, in floats and differentiable: weights and
// activations take the values that int8 has for them, with the scales, zero points and clamps of
// quantize_graph. Gradients pass through the rounding as if it was not there, and end where a value
// is clamped. Activations keep the quantization that they were given; the scales of the weights
// follow the weights. Biases, whose steps are far smaller, are not rounded.
class SimulatedInt8 {
 public:
  // `quantized`, which quantize_graph made, tells the operators and the activations' quantization.
  explicit SimulatedInt8(engine::Graph quantized) : graph_(std::move(quantized)) {}

  // images [n, channels, height, width] -> logits [n, classes], on the device of the layers, which
  // are those that the graph was lowered from or have other weights. Not finite if a weight is not.
  at::Tensor run(const supernet::NetworkLayers& layers, const at::Tensor& images) const;

 private:
  at::Tensor round_activation(engine::TensorId id, engine::Activation activation,
                              const at::Tensor& tensor) const;
  // In place. Whether all parameters are finite.
  bool round_weights(std::vector<OpTensors>& parameters) const;

  engine::Graph graph_;
};

}  // namespace mcunet::pipeline
