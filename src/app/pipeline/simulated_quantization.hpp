#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "float_graph.hpp"
#include "mcunet/engine/graph/graph.hpp"
#include "mcunet/supernet/tensor_file.hpp"

namespace mcunet::pipeline {

// What a network computes once it is quantized, in floats and differentiable: weights, biases and
// activations take the values that their integers stand for, with the widths, scales, zero points and
// clamps of quantize_graph, and every activation is the one that the reference executor gives, as long as
// sums can be told from floats (integer_result). Gradients pass through the rounding as if it was not there, and end where an
// activation is clamped; weights that are clipped keep theirs. The scales of the weights follow the weights.
// Activations of 8 bits keep the quantization that they were given. What a step of those of 4 bits is worth,
// and their clamps with it, is a parameter that may be learned (LSQ: Esser et al., ICLR 2020); their zero
// points stay.
class SimulatedQuantization {
 public:
  // Per operator, with the values of the integers that quantize_graph would give them.
  struct Parameters {
    std::vector<OpTensors> tensors;
    std::vector<at::Tensor> rescalings;  // as integer_result has them
    bool are_finite = true;              // before they were rounded
  };

  // `quantized`, which quantize_graph made of `ranges`, tells the operators, the bits of their weights and
  // the activations' quantization. The ranges are for what is learned.
  explicit SimulatedQuantization(engine::Graph quantized,
                                 std::vector<engine::RealRange> ranges = {});

  // What may be learned beside the weights, by its name, as it begins: the steps of activations of 4 bits;
  // nothing if there are none.
  supernet::TensorDictionary learnable() const;

  // images [n, channels, height, width] -> logits [n, classes], on the device of the layers, which
  // are those that the graph was lowered from or have other weights. With what was learned, or as it began
  // for {}. Not finite if a weight or a step is not.
  at::Tensor run(const supernet::NetworkLayers& layers, const at::Tensor& images,
                 const supernet::TensorDictionary& learned = {}) const;

  Parameters round_parameters(const supernet::NetworkLayers& layers,
                              const supernet::TensorDictionary& learned = {}) const;

  // Per tensor, of what was learned: quantize_graph makes of them what run() computes.
  std::vector<engine::RealRange> ranges(const supernet::TensorDictionary& learned) const;

 private:
  // The graph with the quantization that was learned.
  engine::Graph graph_with(const supernet::TensorDictionary& learned) const;
  at::Tensor run(const engine::Graph& graph, const supernet::NetworkLayers& layers,
                 const at::Tensor& images, const at::Tensor& steps) const;
  Parameters round_parameters(const engine::Graph& graph,
                              const supernet::NetworkLayers& layers) const;

  engine::Graph graph_;
  std::vector<engine::RealRange> ranges_;
  std::vector<engine::TensorId> stepped_;  // activations with a step to learn, in its order
};

}  // namespace mcunet::pipeline
