#include "mcunet/engine/reference/reference_executor.hpp"

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/graph_validator.hpp"
#include "reference/reference_kernels.hpp"

namespace mcunet::engine {
namespace {

void run(const KernelCall& call) {
  switch (call.op.kind) {
    case OpKind::kConv2d:
      return run_conv_2d(call);
    case OpKind::kDepthwiseConv2d:
      return run_depthwise_conv_2d(call);
    case OpKind::kFullyConnected:
      return run_fully_connected(call);
    case OpKind::kAveragePool2d:
      return run_average_pool_2d(call);
    case OpKind::kMaxPool2d:
      return run_max_pool_2d(call);
    case OpKind::kAdd:
    case OpKind::kSub:
      return run_add_or_sub(call);
    case OpKind::kMul:
      return run_mul(call);
    case OpKind::kMean:
      return run_mean(call);
    case OpKind::kPad:
      return run_pad(call);
    case OpKind::kReshape:
      return run_reshape(call);
    case OpKind::kSoftmax:
      return run_softmax(call);
    case OpKind::kRelu:
    case OpKind::kRelu6:
      return run_relu(call);
    case OpKind::kLogistic:
      return run_logistic(call);
    case OpKind::kHardSwish:
      return run_hard_swish(call);
    case OpKind::kQuantize:
      return run_quantize(call);
    case OpKind::kDequantize:
      return run_dequantize(call);
    case OpKind::kConcatenation:
      return run_concatenation(call);
    case OpKind::kResizeNearestNeighbor:
      return run_resize_nearest_neighbor(call);
    case OpKind::kTranspose:
      return run_transpose(call);
  }
}

void check_inputs(const Graph& graph, std::span<const TensorBytes> inputs) {
  if (inputs.size() != graph.inputs.size()) {
    throw Error("{} inputs for a graph of {}", inputs.size(), graph.inputs.size());
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::int64_t bytes = graph.tensors[graph.inputs[i]].bytes();
    if (static_cast<std::int64_t>(inputs[i].size()) != bytes) {
      throw Error("input {} has {} bytes instead of {}", i, inputs[i].size(), bytes);
    }
  }
}

// The contents of every tensor.
std::vector<TensorBytes> run_all(const Graph& graph, std::span<const TensorBytes> inputs,
                                 const OpObserver& observer) {
  std::vector<TensorBytes> tensors(graph.tensors.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) tensors[graph.inputs[i]] = inputs[i];
  for (std::size_t id = 0; id < graph.ops.size(); ++id) {
    const Op& op = graph.ops[id];
    TensorBytes& output = tensors[op.output];
    output.resize(static_cast<std::size_t>(graph.output_of(op).bytes()));
    KernelCall call{graph, op, {}, output};
    for (TensorId input : graph.inputs_of(op)) call.inputs.emplace_back(tensors[input]);
    run(call);
    if (observer) observer(static_cast<OpId>(id), output);
  }
  return tensors;
}

}  // namespace

std::vector<TensorBytes> execute(const Graph& graph, std::span<const TensorBytes> inputs,
                                 const OpObserver& observer) {
  validate_graph(graph);
  check_inputs(graph, inputs);
  const std::vector<TensorBytes> tensors = run_all(graph, inputs, observer);
  std::vector<TensorBytes> outputs;
  for (TensorId id : graph.outputs) outputs.push_back(tensors[id]);
  return outputs;
}

std::vector<TensorBytes> contents_of_zeros(const Graph& graph) {
  validate_graph(graph);
  std::vector<TensorBytes> zeros;
  for (TensorId id : graph.inputs) {
    zeros.emplace_back(static_cast<std::size_t>(graph.tensors[id].bytes()));
  }
  return run_all(graph, zeros, {});
}

}  // namespace mcunet::engine
