#include "mcunet/engine/graph/graph.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/operator_table.hpp"
#include "mcunet/engine/graph/weights.hpp"

namespace mcunet::engine {
namespace {

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

// Of an operator's output.
DataType output_type(TypeRule rule, DataType input) {
  switch (rule) {
    case TypeRule::kToInt8:
      return DataType::kInt8;
    case TypeRule::kToFloat:
      return DataType::kFloat32;
    case TypeRule::kInt8:
    case TypeRule::kNarrow:
    case TypeRule::kAllNarrow:
    case TypeRule::kSame:
      break;
  }
  return input;
}

}  // namespace

std::string_view name_of(DataType type) {
  switch (type) {
    case DataType::kInt4:
      return "int4";
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

std::string_view name_of(OpKind kind) { return traits_of(kind).name; }

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

std::int64_t Graph::state_bytes() const {
  std::int64_t bytes = 0;
  for (const TensorBytes& state : states) bytes += static_cast<std::int64_t>(state.size());
  return bytes;
}

std::int32_t Graph::state_in_place(TensorId tensor) const {
  for (std::size_t i = 0; i < states.size(); ++i) {
    if (state_inputs()[i] == tensor && state_outputs()[i] == tensor) {
      return static_cast<std::int32_t>(i);
    }
  }
  return kNoId;
}

std::int64_t Graph::uneven_state_bytes() const {
  std::int64_t bytes = 0;
  for (const TensorBytes& state : states) {
    if (!is_uniform(state)) bytes += static_cast<std::int64_t>(state.size());
  }
  return bytes;
}

bool is_uniform(const TensorBytes& bytes) {
  return std::adjacent_find(bytes.begin(), bytes.end(), std::not_equal_to<>()) == bytes.end();
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
  states.clear();
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
  add_inputs(graph, op, {inputs.begin(), inputs.size()});
  const OperatorTraits& traits = traits_of(op.kind);
  const Shape shape = traits.shape(graph, op, output_channels);
  return add_op(graph, op, {shape, output_type(traits.types, graph.input_of(op).type)});
}

std::string describe(const Op& op) {
  std::string text(name_of(op.kind));
  const WindowUse use = traits_of(op.kind).window;
  if (use != WindowUse::kKernel && use != WindowUse::kTransposed) return text;
  const Window& w = op.window;
  text += fmt::format(" {}x{}", w.kernel_height, w.kernel_width);
  if (w.stride_height > 1) text += fmt::format(" /{}", w.stride_height);
  return text;
}

std::int64_t rows_of(const Graph& graph, const Op& fully_connected) {
  const Shape& output = graph.output_of(fully_connected).shape;
  return std::int64_t{output.height} * output.width;
}

std::int32_t border_of(const Graph& graph, const Op& pad) {
  const std::int32_t zero_point = graph.info_of(pad.output).quantization.zero_point;
  const std::optional<std::int8_t>& border = graph.details_of(pad).border;
  return border ? std::int32_t{*border} : zero_point;
}

OpCost cost_of(const Graph& graph, const Op& op) {
  const OperatorTraits& traits = traits_of(op.kind);
  if (traits.weights == WeightOrder::kNone) return {.macs = traits.macs(graph, op, {})};
  const WeightLayout layout = weight_layout(graph, op);
  const int biases = op.folds_batch_norm ? 2 : op.has_bias ? 1 : 0;
  return {.macs = traits.macs(graph, op, layout),
          .weights = layout.elements(),
          .params = layout.elements() + std::int64_t{layout.outputs} * biases};
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
