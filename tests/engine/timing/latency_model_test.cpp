#include "mcunet/engine/timing/latency_model.hpp"

#include <gmock/gmock.h>

namespace mcunet::engine {
namespace {

using testing::ElementsAre;

LayerShape layer(OpKind kind, int kernel, int stride, Shape input, Shape output) {
  return {kind, kernel, kernel, stride, input, output};
}

TEST(LatencyModel, LayersFallIntoTheClassOfTheirKernel) {
  const Shape s{8, 8, 16};
  EXPECT_EQ(class_of(layer(OpKind::kConv2d, 1, 1, s, s)), LayerClass::kPointwise);
  EXPECT_EQ(class_of(layer(OpKind::kConv2d, 1, 2, s, s)), LayerClass::kConvolution);
  EXPECT_EQ(class_of(layer(OpKind::kConv2d, 3, 1, s, s)), LayerClass::kConvolution);
  EXPECT_EQ(class_of(layer(OpKind::kDepthwiseConv2d, 3, 1, s, s)), LayerClass::kDepthwise3);
  EXPECT_EQ(class_of(layer(OpKind::kDepthwiseConv2d, 5, 2, s, s)), LayerClass::kDepthwise5);
  EXPECT_EQ(class_of(layer(OpKind::kDepthwiseConv2d, 9, 1, s, s)), LayerClass::kDepthwise7);
  EXPECT_EQ(class_of({OpKind::kDepthwiseConv2d, 1, 5, 1, {1, 64, 16}, {1, 64, 16}}),
            LayerClass::kDepthwiseLine);
  EXPECT_EQ(class_of(layer(OpKind::kFullyConnected, 1, 1, s, s)), LayerClass::kFullyConnected);
  EXPECT_EQ(class_of(layer(OpKind::kMaxPool2d, 2, 2, s, s)), LayerClass::kMaximum);
  EXPECT_EQ(class_of(layer(OpKind::kAdd, 1, 1, s, s)), LayerClass::kElementwise);
}

TEST(LatencyModel, WorkFollowsFromTheShapes) {
  // Six times four columns, and one that is left over.
  EXPECT_THAT(work_of(layer(OpKind::kConv2d, 3, 2, {9, 9, 4}, {5, 5, 8})),
              ElementsAre(1, 24 * 8 * 36, 8 * 36, 25 * 8, 0, 25 * 36, 0, 25, 0));
  // Columns of 27 values are padded to 28, 7 channels to 4 pairs.
  EXPECT_THAT(work_of(layer(OpKind::kConv2d, 3, 1, {8, 8, 3}, {8, 8, 7})),
              ElementsAre(1, 64 * 8 * 28, 0, 64 * 8, 64, 64 * 28, 64 * 28, 64, 0));
  EXPECT_THAT(work_of(layer(OpKind::kFullyConnected, 1, 1, {1, 1, 20}, {1, 1, 10})),
              ElementsAre(1, 0, 200, 10, 0, 20, 0, 1, 0));
  EXPECT_THAT(work_of(layer(OpKind::kAveragePool2d, 2, 2, {4, 4, 3}, {2, 2, 3})),
              ElementsAre(1, 48, 0, 12, 0, 0, 0, 0, 0));
}

TEST(LatencyModel, DepthwiseWorkIsDoneInBlocksOfNeighboursWithinTheMap) {
  // Rows of 9 inputs are 3 words. Rows of 5 outputs are no whole block of six, and 3 pairs.
  EXPECT_THAT(work_of(layer(OpKind::kDepthwiseConv2d, 3, 2, {9, 9, 4}, {5, 5, 4})),
              ElementsAre(1, 0, 4 * 5 * 3 * 3 * 6, 4 * 5 * 6, 0, 12 * 9 * 4, 0, 4 * 5, 4));
  // Rows of 8 outputs are a block of six and a pair. The first two and the last two of the eight
  // windows have 3 and 4 of their 5 rows within the map: 34 in all.
  EXPECT_THAT(work_of(layer(OpKind::kDepthwiseConv2d, 5, 1, {8, 8, 2}, {8, 8, 2})),
              ElementsAre(1, 2 * 34 * 5 * 6, 2 * 34 * 5 * 2, 128, 0, 128, 0, 2 * 8 * 2, 2));
  // A map smaller than the window: each output sees all of it.
  EXPECT_THAT(work_of(layer(OpKind::kDepthwiseConv2d, 7, 1, {4, 4, 1}, {4, 4, 1})),
              ElementsAre(1, 4 * 4 * 7 * 4, 0, 16, 0, 16, 0, 4, 1));
}

TEST(LatencyModel, CyclesAddUpAndBecomeMilliseconds) {
  LatencyModel model{.clock_mhz = 100, .memory_stalls = 0.5, .spread = 0.25};
  model.costs = {};
  model.costs[static_cast<std::size_t>(LayerClass::kAverage)] = {10, 2, 0, 1};
  EXPECT_EQ(model.cycles(layer(OpKind::kAveragePool2d, 2, 2, {4, 4, 3}, {2, 2, 3})),
            10 + 2 * 48 + 12);
  EXPECT_DOUBLE_EQ(model.milliseconds(1e6), 12.5);
  EXPECT_DOUBLE_EQ(model.least_milliseconds(1e6), 7.5);
  EXPECT_DOUBLE_EQ(model.most_milliseconds(1e6), 18.75);
}

TEST(LatencyModel, EveryNameIsItsOwn) {
  for (std::size_t i = 0; i < kLayerClasses; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      EXPECT_NE(name_of(static_cast<LayerClass>(i)), name_of(static_cast<LayerClass>(j)));
    }
  }
}

}  // namespace
}  // namespace mcunet::engine
