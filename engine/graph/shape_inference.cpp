#include "mcunet/engine/graph/shape_inference.hpp"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "mcunet/core/error.hpp"

namespace mcunet::engine {
namespace {

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

Shape windows_of(const Op& op, const Shape& input) {
  const Window& w = op.window;
  const int height = input.height + w.padding.top + w.padding.bottom - w.extent_height();
  const int width = input.width + w.padding.left + w.padding.right - w.extent_width();
  if (height < 0 || width < 0) {
    throw Error("{} with a {}x{} kernel does not fit its {}x{} input", name_of(op.kind),
                w.kernel_height, w.kernel_width, input.height, input.width);
  }
  // Most windows have stride 1; the search lowers networks by the hundred thousand.
  return {w.stride_height == 1 ? height + 1 : height / w.stride_height + 1,
          w.stride_width == 1 ? width + 1 : width / w.stride_width + 1, input.channels};
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

}  // namespace mcunet::engine
