#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "float_graph.hpp"
#include "mcunet/engine/graph/graph.hpp"

namespace mcunet::pipeline {

// What a network computes once it is quantized, in floats and differentiable: weights, biases and
// activations take the values that their integers stand for, with the widths, scales, zero points and
// clamps of quantize_graph. Gradients pass through the rounding as if it was not there, and end where an
// activation is clamped; weights that are clipped keep theirs. Activations keep the quantization that they
// were given; the scales of the weights follow the weights. Activations are rounded once, where the
// integers are rounded twice, so that some differ by one.
class SimulatedQuantization {
 public:
  // Per operator, with the values of the integers that quantize_graph would give them.
  struct Parameters {
    std::vector<OpTensors> tensors;
    bool are_finite = true;  // before they were rounded
  };

  // `quantized`, which quantize_graph made, tells the operators, the bits of their weights and the
  // activations' quantization.
  explicit SimulatedQuantization(engine::Graph quantized) : graph_(std::move(quantized)) {}

  // images [n, channels, height, width] -> logits [n, classes], on the device of the layers, which
  // are those that the graph was lowered from or have other weights. Not finite if a weight is not.
  at::Tensor run(const supernet::NetworkLayers& layers, const at::Tensor& images) const;

  Parameters round_parameters(const supernet::NetworkLayers& layers) const;

 private:
  at::Tensor round_activation(engine::TensorId id, engine::Activation activation,
                              const at::Tensor& tensor) const;

  engine::Graph graph_;
};

}  // namespace mcunet::pipeline
