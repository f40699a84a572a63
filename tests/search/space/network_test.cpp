#include "mcunet/search/space/network.hpp"

#include <gtest/gtest.h>

#include "mcunet/core/error.hpp"

namespace mcunet::search::space {
namespace {

TEST(MakeDivisible, RoundsToTheNearestMultipleButNotFarDown) {
  EXPECT_EQ(make_divisible(32 * 0.3), 16) << "8 would be more than 10 % below 9.6";
  EXPECT_EQ(make_divisible(16 * 0.3), 8);
  EXPECT_EQ(make_divisible(64 * 0.3), 24);
  EXPECT_EQ(make_divisible(1280 * 0.35), 448);
  EXPECT_EQ(make_divisible(1280 * 0.3), 384);
  EXPECT_EQ(make_divisible(20), 24) << "halves go up";
  EXPECT_EQ(make_divisible(1), 8);
}

TEST(Network, LowersToOneOperatorPerLayer) {
  Network network{.resolution = 32, .stem_channels = 16, .outputs = 10};
  network.blocks = {{.in_channels = 16, .mid_channels = 16, .out_channels = 8},
                    {.in_channels = 8,
                     .mid_channels = 24,
                     .out_channels = 8,
                     .kernel = 5,
                     .expand_ratio = 3,
                     .has_residual = true}};
  network.feature_mix_channels = 32;
  const engine::Graph graph = lower(network);
  std::vector<std::string> kinds;
  std::vector<int> blocks;
  for (const engine::Op& op : graph.ops) {
    kinds.emplace_back(name_of(op.kind));
    blocks.push_back(op.block);
  }
  const std::string conv = "conv_2d";
  const std::string depthwise = "depthwise_conv_2d";
  EXPECT_EQ(kinds, (std::vector<std::string>{conv, depthwise, conv, conv, depthwise, conv, "add",
                                             conv, "average_pool_2d", "fully_connected"}));
  EXPECT_EQ(blocks, (std::vector<int>{0, 1, 1, 2, 2, 2, 2, 3, 3, 3}));
  EXPECT_EQ(graph.tensors[graph.outputs[0]].shape, (engine::Shape{1, 1, 10}));
}

TEST(Network, OnALineEverythingHasOneRow) {
  Network network{.form = Form::kLine, .resolution = 64, .image_channels = 6, .outputs = 4};
  network.blocks = {{.in_channels = 32, .mid_channels = 32, .out_channels = 8},
                    {.in_channels = 8,
                     .mid_channels = 24,
                     .out_channels = 16,
                     .kernel = 5,
                     .stride = 2,
                     .expand_ratio = 3}};
  const engine::Graph graph = lower(network);
  EXPECT_EQ(graph.tensors[graph.inputs[0]].shape, (engine::Shape{1, 64, 6}));
  for (const engine::Op& op : graph.ops) {
    EXPECT_EQ(op.window.kernel_height, 1);
    EXPECT_EQ(graph.output_of(op).shape.height, 1);
  }
  EXPECT_EQ(graph.ops[0].window.kernel_width, 3);
  EXPECT_EQ(graph.output_of(graph.ops[0]).shape, (engine::Shape{1, 32, 32}));
  EXPECT_EQ(graph.ops[4].window.kernel_width, 5);
  EXPECT_EQ(graph.output_of(graph.ops[4]).shape, (engine::Shape{1, 16, 24}));
  // MACs: 3 taps of 6 channels, 3 taps, 1x1, 1x1, 5 taps, 1x1, the classifier.
  EXPECT_EQ(engine::cost_of(graph).macs, 32 * 32 * 18 + 32 * 32 * 3 + 32 * 32 * 8 + 32 * 8 * 24 +
                                             16 * 24 * 5 + 16 * 24 * 16 + 16 * 4);
}

TEST(Network, LoweringRefillsAGraph) {
  Network network{.resolution = 32, .outputs = 10};
  engine::Graph graph;
  lower(network, graph);
  const std::size_t ops = graph.ops.size();
  graph.clear();
  lower(network, graph);
  EXPECT_EQ(graph.ops.size(), ops);
  EXPECT_EQ(graph.outputs.size(), 1u);
}

TEST(Network, OnAGridEndsWithAConvolutionOverTheMap) {
  Network network{
      .name = "map", .resolution = 32, .stem_channels = 16, .head = Head::kGrid, .outputs = 24};
  network.blocks = {{.in_channels = 16, .mid_channels = 16, .out_channels = 8, .stride = 2}};
  const engine::Graph graph = lower(network);
  const engine::Op& last = graph.ops.back();
  EXPECT_EQ(last.kind, engine::OpKind::kConv2d);
  EXPECT_EQ(last.activation, engine::Activation::kNone);
  EXPECT_EQ(graph.tensors[graph.outputs[0]].shape, (engine::Shape{8, 8, 24}));
  const Network read = network_from_json(network_to_json(network), "map.json");
  EXPECT_EQ(read.head, Head::kGrid);
  EXPECT_EQ(read.outputs, 24);
  std::string other = network_to_json(network);
  other.replace(other.find("\"grid\""), 6, "\"ring\"");
  EXPECT_THROW(network_from_json(other, "ring.json"), Error);
}

}  // namespace
}  // namespace mcunet::search::space
