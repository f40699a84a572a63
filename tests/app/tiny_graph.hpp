#pragma once

#include "mcunet/engine/graph/graph.hpp"

namespace mcunet::engine {

// Small enough to count by hand. Bytes of its tensors: 32, 64, 16, 12, 3.
inline Graph make_tiny_graph() {
  Graph graph;
  TensorId hidden = add_input(graph, {4, 4, 2});
  hidden = append_op(graph, {.kind = OpKind::kConv2d, .window = centred_window(3, 1), .block = 0},
                     {hidden}, 4);
  hidden = append_op(graph,
                     {.kind = OpKind::kDepthwiseConv2d, .window = centred_window(3, 2), .block = 1},
                     {hidden}, 4);
  hidden = append_op(graph, {.kind = OpKind::kConv2d, .block = 1}, {hidden}, 3);
  Op pool{.kind = OpKind::kAveragePool2d, .has_bias = false, .block = 2};
  pool.window.kernel_height = 2;
  pool.window.kernel_width = 2;
  graph.outputs.push_back(append_op(graph, pool, {hidden}));
  return graph;
}

}  // namespace mcunet::engine
