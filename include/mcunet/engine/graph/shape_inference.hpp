#pragma once

#include <cstdint>
#include <span>

#include "mcunet/engine/graph/graph.hpp"

// The shapes that operators produce, by TFLite's rules.
namespace mcunet::engine {

std::int32_t& along(Shape& shape, Axis axis);
std::int32_t along(const Shape& shape, Axis axis);

// Of a file's tensor or a constant operand: the last three dimensions, where those before are 1.
Shape shape_of_dims(std::span<const std::int32_t> dims);

// Of an operator with one input that has no details. The rules of TFLite:
// floor((in + padding - extent) / stride) + 1 along each axis.
Shape infer_output_shape(const Op& op, const Shape& input, std::int32_t output_channels);

// TFLite's SAME: as much as makes ceil(size / stride) windows fit, the odd element after.
Padding same_padding(const Window& window, const Shape& input);

// The shape that both broadcast to, as numpy does it; throws Error if there is none.
Shape broadcast_shape(const Shape& a, const Shape& b);

// Of any operator whose inputs and details determine it; of a mean, with the averaged axes kept.
Shape infer_output_shape(const Graph& graph, const Op& op, std::int32_t output_channels);

}  // namespace mcunet::engine
