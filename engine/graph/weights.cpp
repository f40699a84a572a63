#include "mcunet/engine/graph/weights.hpp"

#include <algorithm>
#include <cstring>

#include "mcunet/core/error.hpp"

namespace mcunet::engine {
namespace {

std::int8_t weight_at(const Constant& weights, std::size_t index) {
  if (weights.type != DataType::kInt4) return static_cast<std::int8_t>(weights.data[index]);
  const auto nibble = static_cast<int>(weights.data[index / 2] >> (index % 2 * 4)) & 15;
  return static_cast<std::int8_t>(nibble < 8 ? nibble : nibble - 16);
}

}  // namespace

std::vector<std::int32_t> WeightLayout::dims() const {
  switch (order) {
    case WeightOrder::kNone:
    case WeightOrder::kPerGate:
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
    case WeightOrder::kPerGate:
      layout.inputs += layout.outputs;
      layout.outputs *= static_cast<std::int32_t>(kGates);
      layout.places = 1;
      break;
    case WeightOrder::kNone:
      throw Error("{} has no weights", name_of(op.kind));
  }
  return layout;
}

bool takes_int4_weights(const Op& op) {
  return has_weights(op) && traits_of(op.kind).window != WindowUse::kTransposed;
}

void set_weight_bits(Graph& graph, int bits) {
  if (bits != 4 && bits != 8)
    throw Error("weights of {} bits are not supported, only 4 or 8", bits);
  for (Op& op : graph.ops) {
    if (has_weights(op) && graph.details_of(op).weights != kNoId) {
      throw Error("its weights are there already, with their own bits");
    }
    if (takes_int4_weights(op)) op.weight_bits = static_cast<std::int8_t>(bits);
  }
}

void keep_first_and_last(Graph& graph) {
  const auto weighted = [](const Op& op) { return has_weights(op); };
  const auto first = std::find_if(graph.ops.begin(), graph.ops.end(), weighted);
  if (first == graph.ops.end()) return;
  first->weight_bits = 8;
  std::find_if(graph.ops.rbegin(), graph.ops.rend(), weighted)->weight_bits = 8;
}

Graph without_weights(Graph graph) {
  for (Op& op : graph.ops) {
    if (!has_weights(op) || op.details == kNoId) continue;
    OpDetails& details = edit_details(graph, op);
    details.weights = details.bias = kNoId;
  }
  return graph;
}

DataType weight_type(const Op& op) {
  return op.weight_bits == 4 ? DataType::kInt4 : DataType::kInt8;
}

int max_weight(int bits) { return (1 << (bits - 1)) - 1; }

int max_weight(const Op& op) { return max_weight(op.weight_bits); }

std::vector<std::int8_t> weight_values(const Constant& weights) {
  std::vector<std::int8_t> values(static_cast<std::size_t>(weights.elements()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = weight_at(weights, i);
  return values;
}

std::vector<std::byte> weight_bytes(std::span<const std::int8_t> values, DataType type) {
  const bool is_int4 = type == DataType::kInt4;
  const auto count = static_cast<std::int64_t>(values.size());
  std::vector<std::byte> bytes(static_cast<std::size_t>(bytes_of_elements(count, type)));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto value = static_cast<std::byte>(values[i]);
    if (is_int4) {
      bytes[i / 2] |= (value & std::byte{15}) << (i % 2 * 4);
    } else {
      bytes[i] = value;
    }
  }
  return bytes;
}

Weights::Weights(const Graph& graph, const Op& op)
    : layout_(weight_layout(graph, op)), constant_(graph.constants[graph.details_of(op).weights]) {}

std::int32_t Weights::at(std::int32_t output, std::int64_t element) const {
  return weight_at(constant_, layout_.index(output, element));
}

std::vector<std::int32_t> biases_of(const Graph& graph, const Op& op) {
  std::vector<std::int32_t> values(static_cast<std::size_t>(graph.output_of(op).shape.channels), 0);
  if (!op.has_bias) return values;
  const Constant& bias = graph.constants[graph.details_of(op).bias];
  std::memcpy(values.data(), bias.data.data(), values.size() * sizeof(std::int32_t));
  return values;
}

}  // namespace mcunet::engine
