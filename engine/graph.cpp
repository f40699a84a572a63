#include "mcunet/engine/graph.hpp"

#include "mcunet/core/error.hpp"

namespace mcunet::engine {
namespace {

bool has_window(OpKind kind) {
  return kind == OpKind::kConv2d || kind == OpKind::kDepthwiseConv2d ||
         kind == OpKind::kAveragePool2d || kind == OpKind::kMaxPool2d;
}

std::int64_t kernel_area(const Op& op) {
  return std::int64_t{op.window.kernel_height} * op.window.kernel_width;
}

}  // namespace

std::string_view name_of(OpKind kind) {
  switch (kind) {
    case OpKind::kConv2d:
      return "conv_2d";
    case OpKind::kDepthwiseConv2d:
      return "depthwise_conv_2d";
    case OpKind::kFullyConnected:
      return "fully_connected";
    case OpKind::kAveragePool2d:
      return "average_pool_2d";
    case OpKind::kMaxPool2d:
      return "max_pool_2d";
    case OpKind::kAdd:
      return "add";
  }
  return "";
}

Window centred_window(int kernel, int stride) {
  const auto k = static_cast<std::int16_t>(kernel);
  const auto s = static_cast<std::int16_t>(stride);
  const auto p = static_cast<std::int16_t>(kernel / 2);
  return {k, k, s, s, {p, p, p, p}};
}

void Graph::clear() {
  tensors.clear();
  ops.clear();
  op_inputs.clear();
  inputs.clear();
  outputs.clear();
}

TensorId add_input(Graph& graph, const Shape& shape, DataType type) {
  if (shape.height < 1 || shape.width < 1 || shape.channels < 1) {
    throw Error("an input of {}x{}x{} is empty", shape.height, shape.width, shape.channels);
  }
  const auto id = static_cast<TensorId>(graph.tensors.size());
  graph.tensors.push_back({shape, type});
  graph.inputs.push_back(id);
  return id;
}

Shape infer_output_shape(const Op& op, const Shape& input, std::int32_t output_channels) {
  if (op.kind == OpKind::kFullyConnected) return {1, 1, output_channels};
  Shape output = input;
  if (has_window(op.kind)) {
    const Window& w = op.window;
    const int height = input.height + w.padding.top + w.padding.bottom - w.kernel_height;
    const int width = input.width + w.padding.left + w.padding.right - w.kernel_width;
    if (height < 0 || width < 0) {
      throw Error("{} with a {}x{} kernel does not fit its {}x{} input", name_of(op.kind),
                  w.kernel_height, w.kernel_width, input.height, input.width);
    }
    // Most windows have stride 1; the search lowers networks by the hundred thousand.
    output.height = w.stride_height == 1 ? height + 1 : height / w.stride_height + 1;
    output.width = w.stride_width == 1 ? width + 1 : width / w.stride_width + 1;
  }
  if (op.kind == OpKind::kConv2d || op.kind == OpKind::kDepthwiseConv2d) {
    output.channels = output_channels;
  }
  return output;
}

TensorId append_op(Graph& graph, Op op, std::initializer_list<TensorId> inputs,
                   std::int32_t output_channels) {
  const Tensor& input = graph.tensors[*inputs.begin()];
  if (op.kind == OpKind::kDepthwiseConv2d && output_channels % input.shape.channels != 0) {
    throw Error("depthwise_conv_2d of {} channels cannot have {} output channels",
                input.shape.channels, output_channels);
  }
  if (op.kind == OpKind::kAdd) {
    const Shape& other = graph.tensors[inputs.begin()[1]].shape;
    if (inputs.size() != 2 || other != input.shape) {
      throw Error("add of {}x{}x{} and {}x{}x{}", input.shape.height, input.shape.width,
                  input.shape.channels, other.height, other.width, other.channels);
    }
  }
  op.first_input = static_cast<std::int32_t>(graph.op_inputs.size());
  op.input_count = static_cast<std::int32_t>(inputs.size());
  op.output = static_cast<TensorId>(graph.tensors.size());
  graph.op_inputs.insert(graph.op_inputs.end(), inputs);
  graph.tensors.push_back({infer_output_shape(op, input.shape, output_channels), input.type});
  graph.ops.push_back(op);
  return op.output;
}

OpCost cost_of(const Graph& graph, const Op& op) {
  const Shape& output = graph.output_of(op).shape;
  std::int64_t weights_per_channel = 0;
  switch (op.kind) {
    case OpKind::kConv2d:
      weights_per_channel = kernel_area(op) * graph.input_of(op).shape.channels;
      break;
    case OpKind::kDepthwiseConv2d:
      weights_per_channel = kernel_area(op);
      break;
    case OpKind::kFullyConnected:
      weights_per_channel = graph.input_of(op).shape.elements();
      break;
    default:
      return {};
  }
  const int biases = op.folds_batch_norm ? 2 : op.has_bias ? 1 : 0;
  return {.macs = output.elements() * weights_per_channel,
          .weights = output.channels * weights_per_channel,
          .params = output.channels * (weights_per_channel + biases)};
}

OpCost cost_of(const Graph& graph) {
  OpCost total;
  for (const Op& op : graph.ops) {
    const OpCost cost = cost_of(graph, op);
    total.macs += cost.macs;
    total.weights += cost.weights;
    total.params += cost.params;
  }
  return total;
}

}  // namespace mcunet::engine
