#include "planning/kernel_scratch.hpp"

#include <gtest/gtest.h>

namespace mcunet::engine {
namespace {

// One layer on a map of 10 x 12.
struct Layer {
  Graph graph;
  const Op& op() const { return graph.ops.front(); }
};

Layer make_layer(OpKind kind, const Window& window, int input_channels, int output_channels) {
  Layer layer;
  const TensorId input = add_input(layer.graph, {10, 12, input_channels});
  layer.graph.outputs = {
      append_op(layer.graph, {.kind = kind, .window = window}, {input}, output_channels)};
  return layer;
}

Layer convolution(const Window& window, int input_channels) {
  return make_layer(OpKind::kConv2d, window, input_channels, 16);
}

TEST(KernelScratch, ConvolutionsAreFasterOnFourColumns) {
  const Layer words = convolution(centred_window(3, 1), 8);
  EXPECT_EQ(faster_way(words.graph, words.op()), FasterWay::kFourColumns);
  EXPECT_EQ(least_scratch_bytes(words.graph, words.op()), 2 * 72);
  EXPECT_EQ(fastest_scratch_bytes(words.graph, words.op()), 4 * 2 * 72);
  // Bytes are gathered first: 27 values, as 28.
  const Layer image = convolution(centred_window(3, 2), 3);
  EXPECT_EQ(least_scratch_bytes(image.graph, image.op()), 3 * 28);
  EXPECT_EQ(fastest_scratch_bytes(image.graph, image.op()), 4 * 3 * 28);
}

TEST(KernelScratch, PointwiseConvolutionsHaveTheirFourColumnsInAnyCase) {
  for (const int channels : {8, 9}) {
    const Layer layer = convolution(centred_window(1, 1), channels);
    EXPECT_EQ(faster_way(layer.graph, layer.op()), FasterWay::kNone) << channels;
    EXPECT_EQ(saved_instructions(layer.graph, layer.op()), 0) << channels;
  }
  const Layer strided = convolution(centred_window(1, 2), 8);
  EXPECT_EQ(faster_way(strided.graph, strided.op()), FasterWay::kFourColumns);
}

TEST(KernelScratch, FewerThanFourPixelsGainNothing) {
  Window whole = centred_window(1, 1);
  whole.kernel_height = 10;
  whole.kernel_width = 12;
  const Layer layer = convolution(whole, 4);
  ASSERT_EQ(layer.graph.output_of(layer.op()).shape, (Shape{1, 1, 16}));
  EXPECT_EQ(faster_way(layer.graph, layer.op()), FasterWay::kNone);
}

TEST(KernelScratch, DepthwiseConvolutionsAreFasterOnWholePlanes) {
  const Layer layer = make_layer(OpKind::kDepthwiseConv2d, centred_window(3, 1), 8, 8);
  EXPECT_EQ(faster_way(layer.graph, layer.op()), FasterWay::kWholePlanes);
  EXPECT_LT(least_scratch_bytes(layer.graph, layer.op()),
            fastest_scratch_bytes(layer.graph, layer.op()));
  // A ring of seven rows with its weights takes no less than the ten that there are.
  const Layer low = make_layer(OpKind::kDepthwiseConv2d, centred_window(7, 1), 8, 8);
  EXPECT_EQ(faster_way(low.graph, low.op()), FasterWay::kNone);
}

TEST(KernelScratch, GainGrowsWithTheLayer) {
  const Layer small = convolution(centred_window(3, 1), 8);
  const Layer large = convolution(centred_window(3, 1), 32);
  EXPECT_GT(saved_instructions(large.graph, large.op()),
            3 * saved_instructions(small.graph, small.op()));
  const Layer other = make_layer(OpKind::kAveragePool2d, centred_window(3, 1), 8, 8);
  EXPECT_EQ(saved_instructions(other.graph, other.op()), 0);
}

}  // namespace
}  // namespace mcunet::engine
