#include "mcunet/search/space/reference_networks.hpp"

#include <fmt/ranges.h>

#include <cmath>
#include <functional>
#include <utility>

#include "mcunet/core/config.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/search/space/network.hpp"

namespace mcunet::search::space {
namespace {

using engine::Activation;
using engine::Graph;
using engine::Op;
using engine::OpKind;
using engine::TensorId;

struct BlockRow {
  double expand_ratio;
  int kernel;
};

// Blocks of one width; the first one has the stride.
struct StageRow {
  int channels;
  int stride;
  std::vector<BlockRow> blocks;
};

// MobileNetV2: Sandler et al. 2018, Table 2.
const std::vector<StageRow> kMobilenetV2 = {
    {16, 1, {{1, 3}}},
    {24, 2, std::vector<BlockRow>(2, {6, 3})},
    {32, 2, std::vector<BlockRow>(3, {6, 3})},
    {64, 2, std::vector<BlockRow>(4, {6, 3})},
    {96, 1, std::vector<BlockRow>(3, {6, 3})},
    {160, 2, std::vector<BlockRow>(3, {6, 3})},
    {320, 1, {{6, 3}}},
};

// ProxylessNAS-Mobile: Cai et al. 2019, Figure 4.
const std::vector<StageRow> kProxylessMobile = {
    {16, 1, {{1, 3}}},
    {32, 2, {{3, 5}, {3, 3}}},
    {40, 2, {{3, 7}, {3, 3}, {3, 5}, {3, 5}}},
    {80, 2, {{6, 7}, {3, 5}, {3, 5}, {3, 5}}},
    {96, 1, {{6, 5}, {3, 5}, {3, 5}, {3, 5}}},
    {192, 2, {{6, 7}, {6, 7}, {3, 7}, {3, 7}}},
    {320, 1, {{6, 7}}},
};

// MnasNet-B1: Tan et al. 2019.
const std::vector<StageRow> kMnasnetB1 = {
    {16, 1, {{1, 3}}},
    {24, 2, std::vector<BlockRow>(3, {3, 3})},
    {40, 2, std::vector<BlockRow>(3, {3, 5})},
    {80, 2, std::vector<BlockRow>(3, {6, 5})},
    {96, 1, std::vector<BlockRow>(2, {6, 3})},
    {192, 2, std::vector<BlockRow>(4, {6, 5})},
    {320, 1, {{6, 3}}},
};

Network mobile_network(const std::vector<StageRow>& stages, double width, int resolution,
                       Activation activation) {
  const auto scaled = [&](int channels) { return make_divisible(channels * width); };
  Network network;
  network.resolution = resolution;
  network.stem_channels = scaled(32);
  network.feature_mix_channels = scaled(1280);
  network.activation = activation;
  network.batch_norm_epsilon = 1e-3;
  int channels = network.stem_channels;
  for (const StageRow& stage : stages) {
    const int out_channels = scaled(stage.channels);
    int stride = stage.stride;
    for (const BlockRow& row : stage.blocks) {
      network.blocks.push_back(
          {.in_channels = channels,
           .mid_channels = static_cast<int>(std::lround(channels * row.expand_ratio)),
           .out_channels = out_channels,
           .kernel = row.kernel,
           .stride = stride,
           .expand_ratio = row.expand_ratio,
           .has_residual = stride == 1 && channels == out_channels});
      channels = out_channels;
      stride = 1;
    }
  }
  return network;
}

Op convolution(int kernel, int stride, Activation activation, int block) {
  return {.kind = OpKind::kConv2d,
          .activation = activation,
          .folds_batch_norm = true,
          .window = engine::centred_window(kernel, stride),
          .block = block};
}

Op global_average_pool(const engine::Shape& map, int block) {
  Op pool{.kind = OpKind::kAveragePool2d, .has_bias = false, .block = block};
  pool.window.kernel_height = static_cast<std::int16_t>(map.height);
  pool.window.kernel_width = static_cast<std::int16_t>(map.width);
  return pool;
}

TensorId append_basic_block(Graph& graph, TensorId input, int channels, int stride, int index) {
  using engine::append_op;
  TensorId shortcut = input;
  TensorId hidden =
      append_op(graph, convolution(3, stride, Activation::kRelu, index), {input}, channels);
  hidden = append_op(graph, convolution(3, 1, Activation::kNone, index), {hidden}, channels);
  if (stride != 1 || graph.tensors[input].shape.channels != channels) {
    shortcut =
        append_op(graph, convolution(1, stride, Activation::kNone, index), {input}, channels);
  }
  const Op add{
      .kind = OpKind::kAdd, .activation = Activation::kRelu, .has_bias = false, .block = index};
  return append_op(graph, add, {shortcut, hidden});
}

// He et al. 2016, Table 1, 18 layers, with projection shortcuts.
Graph make_resnet18(double width, int resolution) {
  using engine::append_op;
  const auto scaled = [&](int channels) { return make_divisible(channels * width); };
  Graph graph;
  TensorId features = engine::add_input(graph, {resolution, resolution, 3});
  int index = 0;
  features = append_op(graph, convolution(7, 2, Activation::kRelu, index), {features}, scaled(64));
  const Op pool{.kind = OpKind::kMaxPool2d,
                .has_bias = false,
                .window = engine::centred_window(3, 2),
                .block = index};
  features = append_op(graph, pool, {features});
  for (int channels : {64, 128, 256, 512}) {
    for (int block = 0; block < 2; ++block) {
      const int stride = block == 0 && channels != 64 ? 2 : 1;
      features = append_basic_block(graph, features, scaled(channels), stride, ++index);
    }
  }
  features =
      append_op(graph, global_average_pool(graph.tensors[features].shape, ++index), {features});
  features = append_op(graph, {.kind = OpKind::kFullyConnected, .block = index}, {features}, 1000);
  graph.outputs.push_back(features);
  return graph;
}

// Three 5x5 convolutions, each with a pooling, and a linear layer (paper, Appendix B).
Graph make_small_cifar(double width, int resolution) {
  using engine::append_op;
  Graph graph;
  TensorId features = engine::add_input(graph, {resolution, resolution, 3});
  int index = 0;
  for (int channels : {32, 32, 64}) {
    Op conv = convolution(5, 1, Activation::kRelu, index);
    conv.folds_batch_norm = false;
    features = append_op(graph, conv, {features}, make_divisible(channels * width));
    Op pool{.kind = OpKind::kMaxPool2d, .has_bias = false, .block = index++};
    pool.window = {.kernel_height = 2, .kernel_width = 2, .stride_height = 2, .stride_width = 2};
    features = append_op(graph, pool, {features});
  }
  features = append_op(graph, {.kind = OpKind::kFullyConnected, .block = index}, {features}, 10);
  graph.outputs.push_back(features);
  return graph;
}

struct Reference {
  std::string name;
  int resolution;
  std::function<Graph(double width, int resolution)> make;
};

Reference mobile_reference(std::string name, const std::vector<StageRow>& stages,
                           Activation activation) {
  return {std::move(name), 224, [&stages, activation](double width, int resolution) {
            return lower(mobile_network(stages, width, resolution, activation));
          }};
}

const std::vector<Reference>& references() {
  static const std::vector<Reference> all = {
      mobile_reference("mobilenet_v2", kMobilenetV2, Activation::kRelu6),
      mobile_reference("proxyless_mobile", kProxylessMobile, Activation::kRelu6),
      mobile_reference("mnasnet_b1", kMnasnetB1, Activation::kRelu),
      {"resnet18", 224, make_resnet18},
      {"small_cifar", 32, make_small_cifar},
  };
  return all;
}

}  // namespace

std::vector<std::string> reference_network_names() {
  std::vector<std::string> names;
  for (const Reference& reference : references()) names.push_back(reference.name);
  return names;
}

Graph make_reference_network(std::string_view name, const ReferenceScale& scale) {
  for (const Reference& reference : references()) {
    if (reference.name != name) continue;
    return reference.make(scale.width_multiplier, scale.resolution.value_or(reference.resolution));
  }
  const std::vector<std::string> names = reference_network_names();
  const std::string nearest = nearest_name(name, names);
  throw Error("{}: is no reference network{} (there are {})", name,
              nearest.empty() ? "" : "; did you mean " + nearest + "?", fmt::join(names, ", "));
}

}  // namespace mcunet::search::space
