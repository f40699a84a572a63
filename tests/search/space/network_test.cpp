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
  Network network{.resolution = 32, .stem_channels = 16, .classes = 10};
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

TEST(Network, LoweringRefillsAGraph) {
  Network network{.resolution = 32, .classes = 10};
  engine::Graph graph;
  lower(network, graph);
  const std::size_t ops = graph.ops.size();
  graph.clear();
  lower(network, graph);
  EXPECT_EQ(graph.ops.size(), ops);
  EXPECT_EQ(graph.outputs.size(), 1u);
}

}  // namespace
}  // namespace mcunet::search::space
