#pragma once

#include "mcunet/engine/graph/graph.hpp"

namespace mcunet::engine {

// An inverted residual block at HxW, stride 1, between a graph's input and output.
// Tensors: 0 input, 1 expanded, 2 after the depthwise convolution, 3 projected, 4 sum.
struct ResidualBlock {
  int height = 8;
  int width = 6;
  int channels = 4;
  int expanded_channels = 24;
  int kernel = 5;
};

inline Graph make_residual_block(const ResidualBlock& block) {
  Graph graph;
  const TensorId input = add_input(graph, {block.height, block.width, block.channels});
  TensorId hidden =
      append_op(graph, {.kind = OpKind::kConv2d, .block = 0}, {input}, block.expanded_channels);
  hidden = append_op(
      graph,
      {.kind = OpKind::kDepthwiseConv2d, .window = centred_window(block.kernel, 1), .block = 0},
      {hidden}, block.expanded_channels);
  hidden = append_op(graph, {.kind = OpKind::kConv2d, .block = 0}, {hidden}, block.channels);
  graph.outputs.push_back(
      append_op(graph, {.kind = OpKind::kAdd, .has_bias = false, .block = 0}, {hidden, input}));
  return graph;
}

}  // namespace mcunet::engine
