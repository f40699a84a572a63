#include "mcunet/engine/graph/graph.hpp"

#include <gtest/gtest.h>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/shape_inference.hpp"

namespace mcunet::engine {
namespace {

Shape conv_output(const Shape& input, const Window& window, int channels) {
  Graph graph;
  const Op convolution{.kind = OpKind::kConv2d, .window = window};
  return graph.tensors[append_op(graph, convolution, {add_input(graph, input)}, channels)].shape;
}

TEST(Graph, ConvolutionsRoundDownAtOddSizes) {
  EXPECT_EQ(conv_output({9, 9, 3}, centred_window(3, 2), 8), (Shape{5, 5, 8}));
  EXPECT_EQ(conv_output({10, 7, 3}, centred_window(7, 2), 8), (Shape{5, 4, 8}));
  EXPECT_EQ(conv_output({5, 5, 3}, centred_window(5, 1), 8), (Shape{5, 5, 8}));
}

TEST(Graph, PaddingMayDifferFromSideToSide) {
  // TFLite's SAME at stride 2 over an even map: nothing before, one after.
  const Window same{3, 3, 2, 2, {.top = 0, .bottom = 1, .left = 0, .right = 1}};
  EXPECT_EQ(conv_output({96, 96, 3}, same, 8), (Shape{48, 48, 8}));
  EXPECT_EQ(conv_output({96, 96, 3}, {3, 3, 2, 2, {}}, 8), (Shape{47, 47, 8}));
}

TEST(Graph, AWindowMustFitItsInput) {
  EXPECT_THROW(conv_output({2, 2, 3}, {3, 3, 1, 1, {}}, 8), Error);
}

TEST(Graph, CountsAConvolution) {
  Graph graph;
  const TensorId image = add_input(graph, {8, 8, 3});
  append_op(graph,
            {.kind = OpKind::kConv2d, .folds_batch_norm = true, .window = centred_window(3, 2)},
            {image}, 16);
  const OpCost cost = cost_of(graph, graph.ops.back());
  EXPECT_EQ(cost.macs, 4 * 4 * 16 * 27);
  EXPECT_EQ(cost.weights, 16 * 27);
  EXPECT_EQ(cost.params, 16 * 27 + 2 * 16);
}

TEST(Graph, CountsADepthwiseConvolutionWithMultiplier) {
  Graph graph;
  const TensorId image = add_input(graph, {8, 8, 3});
  append_op(graph, {.kind = OpKind::kDepthwiseConv2d, .window = centred_window(5, 1)}, {image}, 6);
  const OpCost cost = cost_of(graph);
  EXPECT_EQ(cost.macs, 8 * 8 * 6 * 25);
  EXPECT_EQ(cost.params, 6 * 25 + 6);
}

TEST(Graph, CountsAFullyConnectedLayerOverAMap) {
  Graph graph;
  const TensorId map = add_input(graph, {4, 4, 64});
  append_op(graph, {.kind = OpKind::kFullyConnected}, {map}, 10);
  EXPECT_EQ(cost_of(graph).macs, 10240);
  EXPECT_EQ(cost_of(graph).params, 10240 + 10);
}

TEST(Graph, RefusesOperandsThatDoNotFit) {
  Graph graph;
  const TensorId a = add_input(graph, {8, 8, 3});
  const TensorId b = add_input(graph, {8, 8, 4});
  EXPECT_THROW(append_op(graph, {.kind = OpKind::kAdd}, {a, b}), Error);
  EXPECT_THROW(append_op(graph, {.kind = OpKind::kDepthwiseConv2d}, {a}, 4), Error);
  EXPECT_THROW(add_input(graph, {0, 8, 3}), Error);
}

TEST(Graph, ClearLeavesAnEmptyGraph) {
  Graph graph;
  const TensorId image = add_input(graph, {8, 8, 3});
  graph.outputs.push_back(append_op(graph, {.kind = OpKind::kConv2d}, {image}, 4));
  graph.clear();
  EXPECT_TRUE(graph.tensors.empty() && graph.ops.empty() && graph.op_inputs.empty());
  EXPECT_TRUE(graph.inputs.empty() && graph.outputs.empty());
}

TEST(Graph, TensorsKnowTheirBytes) {
  EXPECT_EQ((Tensor{{2, 3, 4}, DataType::kInt8}.bytes()), 24);
  EXPECT_EQ((Tensor{{2, 3, 4}, DataType::kFloat32}.bytes()), 96);
}

}  // namespace
}  // namespace mcunet::engine
