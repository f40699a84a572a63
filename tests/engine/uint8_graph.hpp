#pragma once

#include "mcunet/engine/graph/graph.hpp"

namespace mcunet::engine {

// Pooling between uint8 borders, as converters make them, with an output of another scale.
inline Graph uint8_graph(const Quantization& output) {
  Graph graph;
  const TensorId input = add_input(graph, {5, 4, 3}, DataType::kUint8);
  const Tensor quantized = {{5, 4, 3}, DataType::kInt8};
  const TensorId first =
      append_op(graph, {.kind = OpKind::kQuantize}, std::span(&input, 1), quantized);
  Op pool{.kind = OpKind::kMaxPool2d};
  pool.window.kernel_height = pool.window.kernel_width = 2;
  const TensorId pooled = append_op(graph, pool, {first});
  const TensorId last = append_op(graph, {.kind = OpKind::kQuantize}, std::span(&pooled, 1),
                                  {{4, 3, 3}, DataType::kUint8});
  graph.outputs = {last};
  const Quantization inner = {0.05F, -7};
  edit_info(graph, input).quantization = {0.05F, 121};
  edit_info(graph, first).quantization = inner;
  edit_info(graph, pooled).quantization = inner;
  edit_info(graph, last).quantization = output;
  return graph;
}

}  // namespace mcunet::engine
