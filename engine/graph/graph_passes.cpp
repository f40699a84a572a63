#include "mcunet/engine/graph/graph_passes.hpp"

#include <algorithm>

namespace mcunet::engine {
namespace {

bool contains(const std::vector<TensorId>& tensors, TensorId tensor) {
  return std::find(tensors.begin(), tensors.end(), tensor) != tensors.end();
}

// Operators of a graph, to be changed or left out; then a new graph with the tensors that they
// still use.
class Rewrite {
 public:
  struct Node {
    Op op;
    std::vector<TensorId> inputs;
    bool is_kept = true;
  };

  explicit Rewrite(const Graph& graph)
      : inputs(graph.inputs), outputs(graph.outputs), graph_(graph) {
    for (const Op& op : graph.ops) {
      const auto ids = graph.inputs_of(op);
      nodes.push_back({op, {ids.begin(), ids.end()}});
    }
  }

  std::vector<Node> nodes;
  std::vector<TensorId> inputs;
  std::vector<TensorId> outputs;

  int uses_of(TensorId tensor) const {
    int uses = contains(outputs, tensor) ? 1 : 0;
    for (const Node& node : nodes) {
      if (node.is_kept)
        uses += static_cast<int>(std::count(node.inputs.begin(), node.inputs.end(), tensor));
    }
    return uses;
  }

  Node* producer_of(TensorId tensor) {
    for (Node& node : nodes) {
      if (node.is_kept && node.op.output == tensor) return &node;
    }
    return nullptr;
  }

  Graph finish() {
    number_tensors();
    Graph result;
    result.states = graph_.states;
    result.details = graph_.details;
    result.constants = graph_.constants;
    for (std::size_t id = 0; id < new_ids_.size(); ++id) {
      if (new_ids_[id] == kNoId) continue;
      result.tensors.push_back(graph_.tensors[id]);
      if (!graph_.tensor_info.empty()) result.tensor_info.push_back(graph_.tensor_info[id]);
    }
    for (const Node& node : nodes) {
      if (!node.is_kept) continue;
      Op op = node.op;
      op.first_input = static_cast<std::int32_t>(result.op_inputs.size());
      for (TensorId input : node.inputs) result.op_inputs.push_back(new_ids_[input]);
      op.output = new_ids_[op.output];
      result.ops.push_back(op);
    }
    for (TensorId tensor : inputs) result.inputs.push_back(new_ids_[tensor]);
    for (TensorId tensor : outputs) result.outputs.push_back(new_ids_[tensor]);
    return result;
  }

 private:
  void number_tensors() {
    std::vector<bool> is_used(graph_.tensors.size(), false);
    for (const Node& node : nodes) {
      if (!node.is_kept) continue;
      for (TensorId input : node.inputs) is_used[input] = true;
      is_used[node.op.output] = true;
    }
    for (TensorId tensor : inputs) is_used[tensor] = true;
    for (TensorId tensor : outputs) is_used[tensor] = true;
    TensorId next = 0;
    for (bool used : is_used) new_ids_.push_back(used ? next++ : kNoId);
  }

  const Graph& graph_;
  std::vector<TensorId> new_ids_;
};

bool is_float(const Graph& graph, TensorId tensor) {
  return graph.tensors[tensor].type == DataType::kFloat32;
}

// A convolution's padding counts as the zero point, as a pad's does; every window must touch the
// map.
bool can_take_padding(const Op& convolution, const Padding& padding) {
  const Window& w = convolution.window;
  const bool is_convolution =
      convolution.kind == OpKind::kConv2d || convolution.kind == OpKind::kDepthwiseConv2d;
  return is_convolution && w.padding.top + padding.top < w.kernel_height &&
         w.padding.bottom + padding.bottom < w.kernel_height &&
         w.padding.left + padding.left < w.kernel_width &&
         w.padding.right + padding.right < w.kernel_width;
}

Padding sum(const Padding& a, const Padding& b) {
  return {static_cast<std::int16_t>(a.top + b.top), static_cast<std::int16_t>(a.bottom + b.bottom),
          static_cast<std::int16_t>(a.left + b.left), static_cast<std::int16_t>(a.right + b.right)};
}

}  // namespace

Graph retype_uint8(const Graph& graph) {
  Graph retyped = graph;
  for (std::size_t id = 0; id < graph.tensors.size(); ++id) {
    if (graph.tensors[id].type != DataType::kUint8) continue;
    retyped.tensors[id].type = DataType::kInt8;
    edit_info(retyped, static_cast<TensorId>(id)).quantization.zero_point -= 128;
  }
  Rewrite rewrite(retyped);
  for (Rewrite::Node& node : rewrite.nodes) {
    const TensorId input = node.inputs.front();
    const TensorId output = node.op.output;
    const bool changes = graph.tensors[input].type != graph.tensors[output].type;
    if (node.op.kind != OpKind::kQuantize || !changes || is_float(graph, input)) continue;
    if (retyped.info_of(input).quantization != retyped.info_of(output).quantization) continue;
    for (Rewrite::Node& reader : rewrite.nodes) {
      std::replace(reader.inputs.begin(), reader.inputs.end(), output, input);
    }
    std::replace(rewrite.outputs.begin(), rewrite.outputs.end(), output, input);
    node.is_kept = false;
  }
  return rewrite.finish();
}

Graph strip_float_borders(const Graph& graph) {
  Rewrite rewrite(graph);
  for (Rewrite::Node& node : rewrite.nodes) {
    const TensorId input = node.inputs.front();
    const TensorId output = node.op.output;
    if (node.op.kind == OpKind::kQuantize && is_float(graph, input) &&
        contains(rewrite.inputs, input) && rewrite.uses_of(input) == 1) {
      std::replace(rewrite.inputs.begin(), rewrite.inputs.end(), input, output);
      node.is_kept = false;
    } else if (node.op.kind == OpKind::kDequantize && contains(rewrite.outputs, output) &&
               rewrite.uses_of(output) == 1) {
      std::replace(rewrite.outputs.begin(), rewrite.outputs.end(), output, input);
      node.is_kept = false;
    }
  }
  return rewrite.finish();
}

Graph fold_padding(const Graph& graph) {
  Rewrite rewrite(graph);
  for (Rewrite::Node& node : rewrite.nodes) {
    Rewrite::Node* pad = rewrite.producer_of(node.inputs.front());
    if (pad == nullptr || pad->op.kind != OpKind::kPad) continue;
    const OpDetails& details = graph.details_of(pad->op);
    const Padding& padding = pad->op.window.padding;
    const bool pads_channels = details.channels_before != 0 || details.channels_after != 0;
    const bool has_zeros =
        border_of(graph, pad->op) == graph.info_of(pad->op.output).quantization.zero_point;
    if (pads_channels || !has_zeros || rewrite.uses_of(pad->op.output) != 1) continue;
    if (!can_take_padding(node.op, padding)) continue;
    node.op.window.padding = sum(node.op.window.padding, padding);
    node.inputs.front() = pad->inputs.front();
    pad->is_kept = false;
  }
  return rewrite.finish();
}

}  // namespace mcunet::engine
