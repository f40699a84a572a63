#include "mcunet/engine/graph/shape_inference.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <tuple>
#include <utility>

#include "mcunet/core/error.hpp"

namespace mcunet::engine {
namespace {

bool has_window(OpKind kind) {
  return kind == OpKind::kConv2d || kind == OpKind::kDepthwiseConv2d ||
         kind == OpKind::kAveragePool2d || kind == OpKind::kMaxPool2d;
}

Shape operands_shape(const Graph& graph, const Op& op) {
  const Shape& first = graph.input_of(op).shape;
  if (op.input_count == 2 && graph.input_of(op, 1).shape == first) return first;
  const ConstantId constant = graph.details_of(op).operand;
  if (op.input_count != (constant == kNoId ? 2 : 1)) {
    throw Error("{} has {} inputs", name_of(op.kind), op.input_count);
  }
  const Shape other = constant == kNoId ? graph.input_of(op, 1).shape
                                        : shape_of_dims(graph.constants[constant].dims);
  try {
    return broadcast_shape(first, other);
  } catch (const Error& error) {
    throw Error("{} of operands that do not match: {}", name_of(op.kind), error.what());
  }
}

Shape mean_shape(const Shape& input, const OpDetails& details) {
  const auto kept = [&](int axis, std::int32_t size) { return details.reduced[axis] ? 1 : size; };
  return {kept(0, input.height), kept(1, input.width), kept(2, input.channels)};
}

Shape padded_shape(const Shape& input, const Padding& p, const OpDetails& details) {
  return {input.height + p.top + p.bottom, input.width + p.left + p.right,
          input.channels + details.channels_before + details.channels_after};
}

Shape concatenated_shape(const Graph& graph, const Op& op) {
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

Shape transposed_shape(const Shape& input, const OpDetails& details) {
  const std::array<std::int32_t, 3> sizes = {input.height, input.width, input.channels};
  const auto& p = details.permutation;
  return {sizes[p[0]], sizes[p[1]], sizes[p[2]]};
}

std::pair<std::int16_t, std::int16_t> same_padding(std::int64_t size, std::int64_t extent,
                                                   std::int64_t stride) {
  const std::int64_t outputs = (size + stride - 1) / stride;
  const std::int64_t total = std::max<std::int64_t>((outputs - 1) * stride + extent - size, 0);
  if (total > std::numeric_limits<std::int16_t>::max()) throw Error("a padding of {}", total);
  return {static_cast<std::int16_t>(total / 2), static_cast<std::int16_t>(total - total / 2)};
}

}  // namespace

std::int32_t& along(Shape& shape, Axis axis) {
  return axis == Axis::kHeight ? shape.height : axis == Axis::kWidth ? shape.width : shape.channels;
}

std::int32_t along(const Shape& shape, Axis axis) {
  Shape copy = shape;
  return along(copy, axis);
}

Shape shape_of_dims(std::span<const std::int32_t> dims) {
  const auto from_end = [&](std::size_t i) { return dims.size() > i ? dims.end()[-1 - i] : 1; };
  return {from_end(2), from_end(1), from_end(0)};
}

Shape infer_output_shape(const Op& op, const Shape& input, std::int32_t output_channels) {
  if (op.kind == OpKind::kFullyConnected) return {1, 1, output_channels};
  Shape output = input;
  if (has_window(op.kind)) {
    const Window& w = op.window;
    const int height = input.height + w.padding.top + w.padding.bottom - w.extent_height();
    const int width = input.width + w.padding.left + w.padding.right - w.extent_width();
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

Padding same_padding(const Window& w, const Shape& input) {
  Padding p;
  std::tie(p.top, p.bottom) = same_padding(input.height, w.extent_height(), w.stride_height);
  std::tie(p.left, p.right) = same_padding(input.width, w.extent_width(), w.stride_width);
  return p;
}

Shape broadcast_shape(const Shape& a, const Shape& b) {
  const auto fits = [](std::int32_t x, std::int32_t y) { return x == y || x == 1 || y == 1; };
  if (!fits(a.height, b.height) || !fits(a.width, b.width) || !fits(a.channels, b.channels)) {
    throw Error("{}x{}x{} and {}x{}x{} do not broadcast", a.height, a.width, a.channels, b.height,
                b.width, b.channels);
  }
  return {std::max(a.height, b.height), std::max(a.width, b.width),
          std::max(a.channels, b.channels)};
}

Shape infer_output_shape(const Graph& graph, const Op& op, std::int32_t output_channels) {
  const Shape& input = graph.input_of(op).shape;
  switch (op.kind) {
    case OpKind::kAdd:
    case OpKind::kSub:
    case OpKind::kMul:
      return operands_shape(graph, op);
    case OpKind::kMean:
      return mean_shape(input, graph.details_of(op));
    case OpKind::kPad:
      return padded_shape(input, op.window.padding, graph.details_of(op));
    case OpKind::kConcatenation:
      return concatenated_shape(graph, op);
    case OpKind::kTranspose:
      return transposed_shape(input, graph.details_of(op));
    case OpKind::kReshape:
    case OpKind::kResizeNearestNeighbor:
      throw Error("{}: its inputs do not determine its output", name_of(op.kind));
    default:
      return infer_output_shape(op, input, output_channels);
  }
}

}  // namespace mcunet::engine
