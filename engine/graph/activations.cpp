#include "mcunet/engine/graph/activations.hpp"

#include <algorithm>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/operator_table.hpp"
#include "mcunet/engine/graph/weights.hpp"

namespace mcunet::engine {
namespace {

// Where the nibble of an element is, by its pixel and its channel.
struct Place {
  std::size_t byte;
  int shift;
};

Place place_of(const Shape& shape, std::int64_t pixel, std::int32_t channel) {
  const std::int64_t word = pixel * int4_pixel_bytes(shape.channels) + channel / 8 * 4;
  return {static_cast<std::size_t>(word + channel % 4), channel % 8 < 4 ? 0 : 4};
}

// Calls visit(element, place) for every element of an int4 tensor.
template <typename Visit>
void for_each_nibble(const Shape& shape, const Visit& visit) {
  const std::int64_t pixels = std::int64_t{shape.height} * shape.width;
  std::size_t element = 0;
  for (std::int64_t pixel = 0; pixel < pixels; ++pixel) {
    for (std::int32_t c = 0; c < shape.channels; ++c) visit(element++, place_of(shape, pixel, c));
  }
}

TypeRule rule_of(const Op& op) { return traits_of(op.kind).types; }

bool takes_int4(const Graph& graph, const Op& op) {
  const TypeRule rule = rule_of(op);
  return (rule == TypeRule::kNarrow || rule == TypeRule::kAllNarrow) &&
         int4_objection(graph, op).empty();
}

// Feature maps that operators which take int4 make and use, and nobody else.
std::vector<bool> candidates(const Graph& graph) {
  std::vector<bool> may_narrow(graph.tensors.size());
  for (const Op& op : graph.ops) {
    const Shape& shape = graph.output_of(op).shape;
    may_narrow[op.output] = takes_int4(graph, op) && shape.height * shape.width > 1;
  }
  for (const Op& op : graph.ops) {
    if (takes_int4(graph, op)) continue;
    for (TensorId input : graph.inputs_of(op)) may_narrow[input] = false;
  }
  for (TensorId output : graph.outputs) may_narrow[output] = false;
  return may_narrow;
}

// Leaves those out that stand beside one of int8 at an operator whose activations are all alike. Returns
// whether there were any.
bool widen_partners(const Graph& graph, std::vector<bool>& may_narrow) {
  bool has_changed = false;
  for (const Op& op : graph.ops) {
    if (rule_of(op) != TypeRule::kAllNarrow) continue;
    std::vector<TensorId> partners(graph.inputs_of(op).begin(), graph.inputs_of(op).end());
    partners.push_back(op.output);
    const auto is_narrow = [&](TensorId id) { return bool{may_narrow[id]}; };
    if (std::all_of(partners.begin(), partners.end(), is_narrow)) continue;
    for (TensorId id : partners) {
      has_changed = has_changed || may_narrow[id];
      may_narrow[id] = false;
    }
  }
  return has_changed;
}

}  // namespace

std::vector<std::byte> unpack_activation(const Tensor& tensor, std::span<const std::byte> bytes) {
  if (tensor.type != DataType::kInt4) return {bytes.begin(), bytes.end()};
  std::vector<std::byte> values(static_cast<std::size_t>(tensor.shape.elements()));
  for_each_nibble(tensor.shape, [&](std::size_t element, const Place& place) {
    const int nibble = std::to_integer<int>(bytes[place.byte] >> place.shift) & 15;
    values[element] = static_cast<std::byte>(nibble - 8);
  });
  return values;
}

TensorBytes pack_activation(const Tensor& tensor, std::span<const std::byte> values) {
  if (tensor.type != DataType::kInt4) return {values.begin(), values.end()};
  TensorBytes bytes(static_cast<std::size_t>(tensor.bytes()));
  for_each_nibble(tensor.shape, [&](std::size_t element, const Place& place) {
    const auto nibble =
        static_cast<std::byte>(std::to_integer<int>(values[element]) + 8) & std::byte{15};
    bytes[place.byte] |= nibble << place.shift;
  });
  return bytes;
}

std::string int4_objection(const Graph& graph, const Op& op) {
  const OpDetails& details = graph.details_of(op);
  const Window& w = op.window;
  if (op.kind == OpKind::kConv2d && (w.dilation_height != 1 || w.dilation_width != 1)) {
    return "is dilated";
  }
  const Shape& output = graph.output_of(op).shape;
  if (op.kind == OpKind::kDepthwiseConv2d &&
      !(has_in_place_kernel(op) && output.channels == graph.input_of(op).shape.channels)) {
    return "has no kernel in place";
  }
  if (op.kind == OpKind::kPad && details.channels_before + details.channels_after != 0) {
    return "pads channels";
  }
  if (op.kind == OpKind::kMean) {
    const bool is_global = details.reduced == std::array{true, true, false};
    return is_global && graph.output_of(op).type != DataType::kInt4 ? ""
                                                                    : "is no mean of maps to int8";
  }
  const bool is_elementwise = traits_of(op.kind).overwriting == Overwriting::kElementwise;
  // By tables, for nibbles without a channel as well.
  if (is_elementwise && output.channels % 8 != 0) return "has channels that are no multiple of 8";
  if (traits_of(op.kind).operands != OperandCount::kTwo) return "";
  const bool is_alike =
      details.operand == kNoId && graph.input_of(op, 0).shape == graph.input_of(op, 1).shape;
  return is_alike ? "" : "repeats an operand";
}

void set_bit_widths(Graph& graph, const BitWidths& widths) {
  set_weight_bits(graph, widths.weights);
  set_activation_bits(graph, widths.activations);
}

void set_activation_bits(Graph& graph, int bits) {
  if (bits != 4 && bits != 8) {
    throw Error("activations of {} bits are not supported, only 4 or 8", bits);
  }
  if (!graph.tensor_info.empty()) throw Error("its activations are quantized already");
  if (bits == 8) return;
  std::vector<bool> may_narrow = candidates(graph);
  while (widen_partners(graph, may_narrow)) {
  }
  for (std::size_t id = 0; id < may_narrow.size(); ++id) {
    if (may_narrow[id]) graph.tensors[id].type = DataType::kInt4;
  }
}

}  // namespace mcunet::engine
