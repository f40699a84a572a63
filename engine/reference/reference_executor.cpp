#include "mcunet/engine/reference/reference_executor.hpp"

#include <array>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/activations.hpp"
#include "mcunet/engine/graph/graph_validator.hpp"
#include "mcunet/engine/graph/operator_table.hpp"
#include "reference/reference_kernels.hpp"

namespace mcunet::engine {
namespace {

constexpr std::array<void (*)(const KernelCall&), kOpKinds> kKernels = {
#define OPERATOR(kind, stem, ...) run_##stem,
#include "mcunet/engine/graph/operators.inc"
};

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

// Per input, its values where it is packed.
std::vector<TensorBytes> unpacked_inputs(const Graph& graph, const Op& op,
                                         const std::vector<TensorBytes>& tensors) {
  std::vector<TensorBytes> unpacked(static_cast<std::size_t>(op.input_count));
  for (int i = 0; i < op.input_count; ++i) {
    const TensorId id = graph.inputs_of(op)[i];
    const Tensor& tensor = graph.tensors[id];
    if (tensor.type == DataType::kInt4) unpacked[i] = unpack_activation(tensor, tensors[id]);
  }
  return unpacked;
}

// The contents of every tensor.
std::vector<TensorBytes> run_all(const Graph& graph, std::span<const TensorBytes> inputs,
                                 const OpObserver& observer) {
  std::vector<TensorBytes> tensors(graph.tensors.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) tensors[graph.inputs[i]] = inputs[i];
  for (std::size_t id = 0; id < graph.ops.size(); ++id) {
    const Op& op = graph.ops[id];
    const std::vector<TensorBytes> unpacked = unpacked_inputs(graph, op, tensors);
    const Tensor& result = graph.output_of(op);
    const bool is_packed = result.type == DataType::kInt4;
    TensorBytes output(
        static_cast<std::size_t>(is_packed ? result.shape.elements() : result.bytes()));
    KernelCall call{graph, op, {}, output};
    for (int i = 0; i < op.input_count; ++i) {
      const TensorBytes& values = unpacked[i];
      call.inputs.emplace_back(values.empty() ? tensors[graph.inputs_of(op)[i]] : values);
    }
    for (TensorId state : states_of(graph, op)) call.states.emplace_back(tensors[state]);
    kKernels[static_cast<std::size_t>(op.kind)](call);
    tensors[op.output] = is_packed ? pack_activation(result, output) : std::move(output);
    if (observer) observer(static_cast<OpId>(id), tensors[op.output]);
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
