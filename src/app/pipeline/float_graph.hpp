#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "mcunet/engine/quantization/quantizer.hpp"
#include "mcunet/supernet/fixed_network.hpp"

// A trained network as the engine sees it: the lowered graph with float parameters, batch
// normalization folded into the convolutions. The crossing from libtorch to the engine.
namespace mcunet::pipeline {

struct FloatGraph {
  engine::Graph graph;                              // weights of 8 bits, until at_widths()
  std::vector<engine::FloatParameters> parameters;  // per operator
  std::vector<int> stated_bits;  // per operator, of its weights, by its block; 0: the job's
};

// An operator's parameters as libtorch takes them, 32-bit floats; undefined where it has none.
struct OpTensors {
  at::Tensor weight;  // convolution [out, in, height, width], fully connected [out, in]
  at::Tensor bias;    // [out]
};

// Batch normalization with the running statistics folded into the convolutions, for every operator
// of the graph that the layers are lowered to; differentiable in the layers' parameters. Throws
// Error if the graph is of other layers.
std::vector<OpTensors> fold(const engine::Graph& graph, const supernet::NetworkLayers& layers);

// As the engine takes them, fetched from their device at once.
std::vector<engine::FloatParameters> to_engine(const engine::Graph& graph,
                                               std::span<const OpTensors> parameters);

// The graph with the folded parameters.
FloatGraph lower(const supernet::FixedNetwork& network);

// A tensor of a graph once it is computed.
struct ComputedTensor {
  engine::TensorId id;
  std::optional<std::size_t> op;       // that computed it; none for an input of the graph
  std::span<const at::Tensor> inputs;  // of the operator
  const at::Tensor& values;            // the operator's activation is still to be done
};

// Called with every tensor, inputs included; what it returns takes the tensor's place.
using TensorMap = std::function<at::Tensor(const ComputedTensor&)>;

// Runs a graph of a trained network with libtorch's operators on the device of the parameters.
// images [n, channels, height, width] -> logits [n, classes].
at::Tensor run_graph(const engine::Graph& graph, std::span<const OpTensors> parameters,
                     const at::Tensor& images, const TensorMap& map);

// Called with the values of every tensor of the graph, inputs included, for all images of a batch,
// in no particular order.
using ActivationObserver =
    std::function<void(engine::TensorId tensor, std::span<const float> values)>;

// What the quantized graph approximates, on the CPU.
class FloatExecutor {
 public:
  explicit FloatExecutor(const FloatGraph& network);

  // images [n, channels, height, width] -> logits [n, classes].
  at::Tensor run(const at::Tensor& images, const ActivationObserver& observer = {}) const;

 private:
  engine::Graph graph_;
  std::vector<OpTensors> parameters_;
};

}  // namespace mcunet::pipeline
