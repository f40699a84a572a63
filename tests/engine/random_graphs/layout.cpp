// Random layers that move values.
#include <cstdlib>
#include <utility>

#include "random_graphs/random_graph.hpp"

namespace mcunet::engine {

void RandomGraph::build_joined() {
  const Quantization q = random_quantization();
  const auto axis = static_cast<Axis>(between(0, 2));
  edit_details(graph_, op_).axis = axis;
  Shape shape = random_shape();
  std::vector<TensorId> inputs;
  std::int32_t total = 0;
  for (std::int32_t i = between(1, 4); i > 0; --i) {
    along(shape, axis) = between(1, 5);
    total += along(shape, axis);
    inputs.push_back(new_input(shape, q));
  }
  along(shape, axis) = total;
  finish(inputs, shape, q);
}

void RandomGraph::build_resize() {
  const TensorId input = moved_input();
  OpDetails& details = edit_details(graph_, op_);
  details.align_corners = chance(3);
  details.half_pixel_centers = !details.align_corners && chance(2);
  finish({&input, 1}, {between(1, 17), between(1, 17), graph_.tensors[input].shape.channels},
         quantization_of(input));
}

void RandomGraph::build_concatenation() { build_joined(); }
void RandomGraph::build_resize_nearest_neighbor() { build_resize(); }
void RandomGraph::build_resize_bilinear() { build_resize(); }

void RandomGraph::build_pad() {
  const TensorId input = moved_input();
  OpDetails& details = edit_details(graph_, op_);
  const auto amount = [&] { return static_cast<std::int16_t>(between(0, 3)); };
  op_.window.padding = {amount(), amount(), amount(), amount()};
  if (is_rare_ || chance(3)) details.channels_after = between(0, 5);
  if (is_rare_ || chance(3)) details.channels_before = between(0, 5);
  if (is_rare_ && chance(2)) details.border = static_cast<std::int8_t>(between(-128, 127));
  finish({&input, 1}, infer_of(input), quantization_of(input));
}

void RandomGraph::build_mirror_pad() {
  const TensorId input = moved_input();
  const Shape& shape = graph_.tensors[input].shape;
  const bool repeats = edit_details(graph_, op_).repeats_edges = chance(2);
  const auto amount = [&](std::int32_t size) {
    return static_cast<std::int16_t>(between(0, repeats ? size : size - 1));
  };
  op_.window.padding = {amount(shape.height), amount(shape.height), amount(shape.width),
                        amount(shape.width)};
  finish({&input, 1}, infer_of(input), quantization_of(input));
}

void RandomGraph::build_reshape() {
  const TensorId input = moved_input();
  const Shape shape = graph_.tensors[input].shape;
  const Quantization q = quantization_of(input);
  if (chance(2)) {
    return finish({&input, 1}, {1, 1, static_cast<std::int32_t>(shape.elements())}, q, 2);
  }
  finish({&input, 1}, {shape.width, shape.channels, shape.height}, q);
}

// Any part; in the rare form in steps, forwards and backwards.
void RandomGraph::build_strided_slice() {
  const TensorId input = moved_input();
  OpDetails& details = edit_details(graph_, op_);
  for (Axis axis : {Axis::kHeight, Axis::kWidth, Axis::kChannels}) {
    const auto i = static_cast<std::size_t>(axis);
    const std::int32_t size = along(graph_.tensors[input].shape, axis);
    const std::int32_t begin = chance(2) ? 0 : between(0, size - 1);
    const std::int32_t step = is_rare_ ? (chance(2) ? 1 : -1) * between(1, 3) : 1;
    const std::int32_t most = (step > 0 ? size - 1 - begin : begin) / std::abs(step) + 1;
    details.begin[i] = begin;
    details.stride[i] = step;
    along(details.part, axis) = chance(2) ? most : between(1, most);
  }
  finish({&input, 1}, details.part, quantization_of(input));
}

void RandomGraph::build_transpose() {
  const TensorId input = moved_input();
  std::array<std::int8_t, 3>& p = edit_details(graph_, op_).permutation;
  for (int i = 2; i > 0; --i) {
    std::swap(p[i], p[random_.index(static_cast<std::uint32_t>(i) + 1)]);
  }
  finish({&input, 1}, infer_of(input), quantization_of(input));
}

}  // namespace mcunet::engine
