#include "mcunet/engine/graph/graph.hpp"

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/shape_inference.hpp"

namespace mcunet::engine {
namespace {

std::int64_t kernel_area(const Op& op) {
  return std::int64_t{op.window.kernel_height} * op.window.kernel_width;
}

void add_inputs(Graph& graph, Op& op, std::span<const TensorId> inputs) {
  op.first_input = static_cast<std::int32_t>(graph.op_inputs.size());
  op.input_count = static_cast<std::int32_t>(inputs.size());
  for (TensorId input : inputs) graph.op_inputs.push_back(input);
}

TensorId add_op(Graph& graph, Op& op, const Tensor& output) {
  op.output = static_cast<TensorId>(graph.tensors.size());
  graph.tensors.push_back(output);
  if (!graph.tensor_info.empty()) graph.tensor_info.resize(graph.tensors.size());
  graph.ops.push_back(op);
  return op.output;
}

}  // namespace

std::string_view name_of(DataType type) {
  switch (type) {
    case DataType::kInt8:
      return "int8";
    case DataType::kUint8:
      return "uint8";
    case DataType::kInt16:
      return "int16";
    case DataType::kInt32:
      return "int32";
    case DataType::kFloat32:
      return "float32";
  }
  return "unknown";
}

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
    case OpKind::kSub:
      return "sub";
    case OpKind::kMul:
      return "mul";
    case OpKind::kMean:
      return "mean";
    case OpKind::kPad:
      return "pad";
    case OpKind::kReshape:
      return "reshape";
    case OpKind::kSoftmax:
      return "softmax";
    case OpKind::kRelu:
      return "relu";
    case OpKind::kRelu6:
      return "relu6";
    case OpKind::kLogistic:
      return "logistic";
    case OpKind::kHardSwish:
      return "hard_swish";
    case OpKind::kQuantize:
      return "quantize";
    case OpKind::kDequantize:
      return "dequantize";
    case OpKind::kConcatenation:
      return "concatenation";
    case OpKind::kResizeNearestNeighbor:
      return "resize_nearest_neighbor";
    case OpKind::kTranspose:
      return "transpose";
  }
  return "";
}

Window centred_window(int kernel, int stride) {
  const auto k = static_cast<std::int16_t>(kernel);
  const auto s = static_cast<std::int16_t>(stride);
  const auto p = static_cast<std::int16_t>(kernel / 2);
  return {k, k, s, s, {p, p, p, p}};
}

std::int64_t Constant::elements() const {
  std::int64_t product = 1;
  for (std::int32_t dim : dims) product *= dim;
  return product;
}

const TensorInfo& Graph::info_of(TensorId tensor) const {
  static const TensorInfo none;
  return static_cast<std::size_t>(tensor) < tensor_info.size() ? tensor_info[tensor] : none;
}

const OpDetails& Graph::details_of(const Op& op) const {
  static constexpr OpDetails kNone;
  return op.details == kNoId ? kNone : details[op.details];
}

void Graph::clear() {
  tensors.clear();
  ops.clear();
  op_inputs.clear();
  inputs.clear();
  outputs.clear();
  tensor_info.clear();
  details.clear();
  constants.clear();
}

TensorInfo& edit_info(Graph& graph, TensorId tensor) {
  graph.tensor_info.resize(graph.tensors.size());
  return graph.tensor_info[tensor];
}

OpDetails& edit_details(Graph& graph, Op& op) {
  if (op.details == kNoId) {
    op.details = static_cast<std::int32_t>(graph.details.size());
    graph.details.emplace_back();
  }
  return graph.details[op.details];
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

TensorId append_op(Graph& graph, Op op, std::span<const TensorId> inputs, const Tensor& output) {
  add_inputs(graph, op, inputs);
  return add_op(graph, op, output);
}

TensorId append_op(Graph& graph, Op op, std::initializer_list<TensorId> inputs,
                   std::int32_t output_channels) {
  const Tensor input = graph.tensors[*inputs.begin()];
  if (op.kind == OpKind::kDepthwiseConv2d && output_channels % input.shape.channels != 0) {
    throw Error("depthwise_conv_2d of {} channels cannot have {} output channels",
                input.shape.channels, output_channels);
  }
  add_inputs(graph, op, {inputs.begin(), inputs.size()});
  // The search lowers networks by the hundred thousand, nearly all of it convolutions.
  const Shape shape = op.kind <= OpKind::kMaxPool2d
                          ? infer_output_shape(op, input.shape, output_channels)
                          : infer_output_shape(graph, op, output_channels);
  const DataType type = op.kind == OpKind::kQuantize     ? DataType::kInt8
                        : op.kind == OpKind::kDequantize ? DataType::kFloat32
                                                         : input.type;
  return add_op(graph, op, {shape, type});
}

std::int64_t rows_of(const Graph& graph, const Op& fully_connected) {
  const Shape& output = graph.output_of(fully_connected).shape;
  return std::int64_t{output.height} * output.width;
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
      weights_per_channel = graph.input_of(op).shape.elements() / rows_of(graph, op);
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
