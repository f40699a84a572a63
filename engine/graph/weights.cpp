#include "mcunet/engine/graph/weights.hpp"

#include <cstring>

#include "mcunet/core/error.hpp"

namespace mcunet::engine {

std::vector<std::int32_t> WeightLayout::dims() const {
  switch (order) {
    case WeightOrder::kNone:
      break;
    case WeightOrder::kOutputFirst:
      return {outputs, height, width, inputs};
    case WeightOrder::kOutputLast:
      return {1, height, width, outputs};
    case WeightOrder::kMatrix:
      return {outputs, static_cast<std::int32_t>(per_output())};
  }
  return {};
}

WeightLayout weight_layout(const Graph& graph, const Op& op) {
  const Shape& input = graph.input_of(op).shape;
  WeightLayout layout{.order = traits_of(op.kind).weights,
                      .outputs = graph.output_of(op).shape.channels,
                      .height = op.window.kernel_height,
                      .width = op.window.kernel_width,
                      .inputs = input.channels};
  switch (layout.order) {
    case WeightOrder::kOutputFirst:
      layout.places = layout.height * layout.width;
      break;
    case WeightOrder::kOutputLast:
      layout.places = layout.height * layout.width;
      layout.inputs = 1;
      break;
    case WeightOrder::kMatrix:
      layout.places =
          static_cast<std::int32_t>(std::int64_t{input.height} * input.width / rows_of(graph, op));
      break;
    case WeightOrder::kNone:
      throw Error("{} has no weights", name_of(op.kind));
  }
  return layout;
}

int weight_bits(const Graph& graph, const Op& op) {
  if (graph.constants.empty()) return bits_per_element(DataType::kInt8);
  const ConstantId weights = graph.details_of(op).weights;
  return bits_per_element(weights == kNoId ? DataType::kInt8 : graph.constants[weights].type);
}

Weights::Weights(const Graph& graph, const Op& op)
    : layout_(weight_layout(graph, op)),
      data_(reinterpret_cast<const std::int8_t*>(
          graph.constants[graph.details_of(op).weights].data.data())) {}

std::vector<std::int32_t> biases_of(const Graph& graph, const Op& op) {
  std::vector<std::int32_t> values(static_cast<std::size_t>(graph.output_of(op).shape.channels), 0);
  if (!op.has_bias) return values;
  const Constant& bias = graph.constants[graph.details_of(op).bias];
  std::memcpy(values.data(), bias.data.data(), values.size() * sizeof(std::int32_t));
  return values;
}

}  // namespace mcunet::engine
