#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <span>
#include <vector>

#include "mcunet/engine/quantizer.hpp"
#include "mcunet/supernet/fixed_network.hpp"

// A trained network as the engine sees it: the lowered graph with float parameters, batch
// normalization folded into the convolutions. The crossing from libtorch to the engine.
namespace mcunet::pipeline {

struct FloatGraph {
  engine::Graph graph;
  std::vector<engine::FloatParameters> parameters;  // per operator
};

// Folds with the running statistics. Throws Error if the network holds values that are not finite.
FloatGraph lower(const supernet::FixedNetwork& network);

// Called with the values of every tensor of the graph, inputs included, for all images of a batch,
// in no particular order.
using ActivationObserver =
    std::function<void(engine::TensorId tensor, std::span<const float> values)>;

// Runs the graph with libtorch's operators: what the quantized graph approximates.
class FloatExecutor {
 public:
  explicit FloatExecutor(const FloatGraph& network);

  // images [n, channels, height, width] -> logits [n, classes].
  at::Tensor run(const at::Tensor& images, const ActivationObserver& observer = {}) const;

 private:
  at::Tensor run_op(std::size_t op, const std::vector<at::Tensor>& tensors) const;

  engine::Graph graph_;
  std::vector<at::Tensor> weights_;  // per operator, as libtorch lays them out
  std::vector<at::Tensor> biases_;
};

}  // namespace mcunet::pipeline
