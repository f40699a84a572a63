#include "mcunet/search/space/network.hpp"

#include <algorithm>
#include <cmath>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/operator_table.hpp"

namespace mcunet::search::space {
namespace {

using engine::Activation;
using engine::Graph;
using engine::Op;
using engine::OpKind;
using engine::TensorId;
using engine::Window;

Op normalized_convolution(OpKind kind, const Window& window, Activation activation, int block) {
  return {.kind = kind,
          .activation = activation,
          .folds_batch_norm = true,
          .window = window,
          .block = block};
}

TensorId append_block(Graph& graph, TensorId input, const InvertedResidual& block,
                      const Network& network, int index) {
  const Window point;
  const Activation activation = network.activation;
  TensorId hidden = input;
  if (block.expand_ratio != 1) {
    hidden =
        engine::append_op(graph, normalized_convolution(OpKind::kConv2d, point, activation, index),
                          {hidden}, block.mid_channels);
  }
  const Window window = centred_window(network.form, block.kernel, block.stride);
  hidden = engine::append_op(
      graph, normalized_convolution(OpKind::kDepthwiseConv2d, window, activation, index), {hidden},
      block.mid_channels);
  hidden = engine::append_op(
      graph, normalized_convolution(OpKind::kConv2d, point, Activation::kNone, index), {hidden},
      block.out_channels);
  if (!block.has_residual) return hidden;
  return engine::append_op(graph, {.kind = OpKind::kAdd, .has_bias = false, .block = index},
                           {input, hidden});
}

TensorId append_head(Graph& graph, TensorId features, const Network& network, int index) {
  if (network.feature_mix_channels) {
    features = engine::append_op(
        graph, normalized_convolution(OpKind::kConv2d, Window{}, network.activation, index),
        {features}, *network.feature_mix_channels);
  }
  if (network.head == Head::kGrid) {
    return engine::append_op(graph, {.kind = OpKind::kConv2d, .window = {}, .block = index},
                             {features}, network.outputs);
  }
  const engine::Shape& map = graph.tensors[features].shape;
  Op pool{.kind = OpKind::kAveragePool2d, .has_bias = false, .block = index};
  pool.window.kernel_height = static_cast<std::int16_t>(map.height);
  pool.window.kernel_width = static_cast<std::int16_t>(map.width);
  features = engine::append_op(graph, pool, {features});
  return engine::append_op(graph, {.kind = OpKind::kFullyConnected, .block = index}, {features},
                           network.outputs);
}

}  // namespace

int make_divisible(double channels, int divisor) {
  const int nearest = static_cast<int>(channels + divisor / 2.0) / divisor * divisor;
  const int rounded = std::max(divisor, nearest);
  return rounded < 0.9 * channels ? rounded + divisor : rounded;
}

Window centred_window(Form form, int kernel, int stride) {
  Window window = engine::centred_window(kernel, stride);
  if (form == Form::kSquare) return window;
  window.kernel_height = 1;
  window.padding.top = window.padding.bottom = 0;
  return window;
}

void lower(const Network& network, Graph& graph) {
  TensorId features = engine::add_input(graph, {rows_of(network.form, network.resolution),
                                                network.resolution, network.image_channels});
  const Window stem = centred_window(network.form, network.stem_kernel, network.stem_stride);
  int index = 0;
  features = engine::append_op(
      graph, normalized_convolution(OpKind::kConv2d, stem, network.activation, index++), {features},
      network.stem_channels);
  for (const InvertedResidual& block : network.blocks) {
    features = append_block(graph, features, block, network, index++);
  }
  graph.outputs.push_back(append_head(graph, features, network, index));
}

int stated_weight_bits(const Network& network, const Op& op) {
  const std::int32_t block = op.block - 1;  // 0 is the stem
  if (block < 0 || block >= std::ssize(network.blocks)) return 0;
  return network.blocks[static_cast<std::size_t>(block)].weight_bits;
}

void set_stated_weight_bits(const Network& network, Graph& graph) {
  for (Op& op : graph.ops) {
    const int bits = stated_weight_bits(network, op);
    if (bits != 0 && engine::has_weights(op)) op.weight_bits = static_cast<std::int8_t>(bits);
  }
}

Graph lower(const Network& network) {
  Graph graph;
  lower(network, graph);
  return graph;
}

}  // namespace mcunet::search::space
