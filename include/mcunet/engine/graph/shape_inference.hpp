#pragma once

#include <cstdint>
#include <span>

#include "mcunet/engine/graph/graph.hpp"

// What the shapes of operators are made of, by TFLite's rules; each operator's own is in its row of the
// table (operator_table.hpp).
namespace mcunet::engine {

std::int32_t& along(Shape& shape, Axis axis);
std::int32_t along(const Shape& shape, Axis axis);

// Of a file's tensor or a constant operand: the last three dimensions, where those before are 1.
Shape shape_of_dims(std::span<const std::int32_t> dims);

// One pixel per position of the operator's window, and the input's channels. The rules of TFLite:
// floor((in + padding - extent) / stride) + 1 along each axis. Throws Error if the window does not fit.
Shape windows_of(const Op& op, const Shape& input);

// TFLite's SAME: as much as makes ceil(size / stride) windows fit, the odd element after.
Padding same_padding(const Window& window, const Shape& input);

// The shape that both broadcast to, as numpy does it; throws Error if there is none.
Shape broadcast_shape(const Shape& a, const Shape& b);

}  // namespace mcunet::engine
