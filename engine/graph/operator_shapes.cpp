// The shapes that operators produce, and their multiply-accumulates.
#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "graph/operator_rules.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/shape_inference.hpp"
#include "mcunet/engine/graph/weights.hpp"

namespace mcunet::engine {
namespace {

// In the order of the operator.
std::array<Shape, 2> operand_shapes(const Graph& graph, const Op& op) {
  const OpDetails& details = graph.details_of(op);
  const bool is_constant = details.operand != kNoId;
  if (op.input_count != (is_constant ? 1 : 2)) {
    throw Error("{} has {} inputs", name_of(op.kind), op.input_count);
  }
  const Shape& first = graph.input_of(op).shape;
  if (!is_constant) return {first, graph.input_of(op, 1).shape};
  const Shape constant = shape_of_dims(graph.constants[details.operand].dims);
  if (details.operand_is_first) return {constant, first};
  return {first, constant};
}

}  // namespace

Shape shape_of_convolution(const Graph& graph, const Op& op, std::int32_t output_channels) {
  Shape shape = windows_of(op, graph.input_of(op).shape);
  shape.channels = output_channels;
  return shape;
}

Shape shape_of_depthwise_convolution(const Graph& graph, const Op& op,
                                     std::int32_t output_channels) {
  const std::int32_t channels = graph.input_of(op).shape.channels;
  if (output_channels % channels != 0) {
    throw Error("{} of {} channels cannot have {} output channels", name_of(op.kind), channels,
                output_channels);
  }
  return shape_of_convolution(graph, op, output_channels);
}

Shape shape_of_features(const Graph&, const Op&, std::int32_t output_channels) {
  return {1, 1, output_channels};
}

Shape shape_of_pool(const Graph& graph, const Op& op, std::int32_t) {
  return windows_of(op, graph.input_of(op).shape);
}

Shape shape_of_both(const Graph& graph, const Op& op, std::int32_t) {
  const Shape& first = graph.input_of(op).shape;
  if (op.input_count == 2 && graph.input_of(op, 1).shape == first) return first;
  const auto [one, other] = operand_shapes(graph, op);
  try {
    return broadcast_shape(one, other);
  } catch (const Error& error) {
    throw Error("{} of operands that do not match: {}", name_of(op.kind), error.what());
  }
}

Shape shape_of_matrices(const Graph& graph, const Op& op, std::int32_t) {
  auto [a, b] = operand_shapes(graph, op);
  if (graph.details_of(op).is_transposed) std::swap(b.width, b.channels);
  if (a.channels != b.width) {
    throw Error("{} of matrices {}x{} and {}x{}", name_of(op.kind), a.width, a.channels, b.width,
                b.channels);
  }
  if (a.height != b.height && a.height != 1 && b.height != 1) {
    throw Error("{} of {} and {} matrices", name_of(op.kind), a.height, b.height);
  }
  return {std::max(a.height, b.height), a.width, b.channels};
}

Shape shape_of_first(const Graph& graph, const Op& op, std::int32_t) {
  return graph.input_of(op).shape;
}

Shape shape_of_reduction(const Graph& graph, const Op& op, std::int32_t) {
  const Shape& input = graph.input_of(op).shape;
  const auto& reduced = graph.details_of(op).reduced;
  const auto kept = [&](int axis, std::int32_t size) { return reduced[axis] ? 1 : size; };
  return {kept(0, input.height), kept(1, input.width), kept(2, input.channels)};
}

Shape shape_of_pad(const Graph& graph, const Op& op, std::int32_t) {
  const Shape& input = graph.input_of(op).shape;
  const Padding& p = op.window.padding;
  const OpDetails& details = graph.details_of(op);
  return {input.height + p.top + p.bottom, input.width + p.left + p.right,
          input.channels + details.channels_before + details.channels_after};
}

Shape shape_of_concatenation(const Graph& graph, const Op& op, std::int32_t) {
  const Axis axis = graph.details_of(op).axis;
  Shape total = graph.input_of(op).shape;
  for (std::int32_t i = 1; i < op.input_count; ++i) {
    const Shape& next = graph.input_of(op, i).shape;
    Shape joined = total;
    std::int32_t& size = along(joined, axis);
    size = along(next, axis);
    if (joined != next) throw Error("concatenation of inputs that differ beside its axis");
    const std::int64_t sum = std::int64_t{along(total, axis)} + size;
    if (sum > std::numeric_limits<std::int32_t>::max()) throw Error("concatenation is too large");
    along(total, axis) = static_cast<std::int32_t>(sum);
  }
  return total;
}

Shape shape_of_transpose(const Graph& graph, const Op& op, std::int32_t) {
  const Shape& input = graph.input_of(op).shape;
  const std::array<std::int32_t, 3> sizes = {input.height, input.width, input.channels};
  const auto& p = graph.details_of(op).permutation;
  return {sizes[p[0]], sizes[p[1]], sizes[p[2]]};
}

Shape shape_of_part(const Graph& graph, const Op& op, std::int32_t) {
  return graph.details_of(op).part;
}

Shape shape_of_steps(const Graph& graph, const Op& op, std::int32_t) {
  const Shape& input = graph.input_of(op).shape;
  if (input.height != 1 && input.width != 1) {
    throw Error("{} of {}x{} vectors, which are no sequence", name_of(op.kind), input.height,
                input.width);
  }
  return {input.height, input.width, graph.input_of(op, 1).shape.channels};
}

Shape shape_unknown(const Graph&, const Op& op, std::int32_t) {
  throw Error("{}: its inputs do not determine its output", name_of(op.kind));
}

bool accepts_inferred(const Graph& graph, const Op& op) {
  const Shape& output = graph.output_of(op).shape;
  return traits_of(op.kind).shape(graph, op, output.channels) == output;
}

bool accepts_reduction(const Graph& graph, const Op& op) {
  if (accepts_inferred(graph, op)) return true;
  // The axes that are left move to the end.
  const Shape& input = graph.input_of(op).shape;
  Shape shape;
  Axis to = Axis::kChannels;
  for (Axis from : {Axis::kChannels, Axis::kWidth, Axis::kHeight}) {
    if (graph.details_of(op).reduced[static_cast<int>(from)]) continue;
    along(shape, to) = along(input, from);
    to = to == Axis::kChannels ? Axis::kWidth : Axis::kHeight;
  }
  return graph.output_of(op).shape == shape;
}

bool accepts_as_many_elements(const Graph& graph, const Op& op) {
  return graph.input_of(op).shape.elements() == graph.output_of(op).shape.elements();
}

bool accepts_rows(const Graph& graph, const Op& op) {
  const Shape& input = graph.input_of(op).shape;
  const std::int64_t rows = rows_of(graph, op);
  return rows == 1 || rows * input.channels == input.elements();
}

bool accepts_transposed(const Graph& graph, const Op& op) {
  const Shape& input = graph.input_of(op).shape;
  const Shape windows = windows_of(op, graph.output_of(op).shape);
  return windows.height == input.height && windows.width == input.width;
}

bool accepts_as_many_channels(const Graph& graph, const Op& op) {
  return graph.input_of(op).shape.channels == graph.output_of(op).shape.channels;
}

std::int64_t macs_of_none(const Graph&, const Op&, const WeightLayout&) { return 0; }

std::int64_t macs_per_output(const Graph& graph, const Op& op, const WeightLayout& layout) {
  return graph.output_of(op).shape.elements() * layout.per_output();
}

std::int64_t macs_of_matrices(const Graph& graph, const Op& op, const WeightLayout&) {
  return graph.output_of(op).shape.elements() * operand_shapes(graph, op)[0].channels;
}

std::int64_t macs_per_input(const Graph& graph, const Op& op, const WeightLayout& layout) {
  const Shape& input = graph.input_of(op).shape;
  return std::int64_t{input.height} * input.width * layout.elements();
}

}  // namespace mcunet::engine
