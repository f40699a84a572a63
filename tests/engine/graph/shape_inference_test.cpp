#include "mcunet/engine/graph/shape_inference.hpp"

#include <gtest/gtest.h>

#include "mcunet/core/error.hpp"

namespace mcunet::engine {
namespace {

TEST(ShapeInference, SamePadsTheOddElementAfter) {
  EXPECT_EQ(same_padding({3, 3, 2, 2, {}}, {96, 95, 3}), (Padding{0, 1, 1, 1}));
  EXPECT_EQ(same_padding({2, 4, 1, 1, {}}, {5, 5, 3}), (Padding{0, 1, 1, 2}));
  EXPECT_EQ(same_padding({1, 1, 3, 2, {}}, {5, 5, 3}), (Padding{0, 0, 0, 0}));
  EXPECT_EQ(same_padding({3, 3, 1, 1, {}, 2, 3}, {9, 9, 3}), (Padding{2, 2, 3, 3}));
}

TEST(ShapeInference, SameGivesOneWindowPerStride) {
  for (int size = 1; size < 20; ++size) {
    for (std::int16_t kernel = 1; kernel < 8; ++kernel) {
      for (std::int16_t stride = 1; stride < 5; ++stride) {
        Op op{.kind = OpKind::kConv2d, .window = {kernel, kernel, stride, stride, {}}};
        op.window.padding = same_padding(op.window, {size, size, 1});
        const int expected = (size + stride - 1) / stride;
        EXPECT_EQ(windows_of(op, {size, size, 1}), (Shape{expected, expected, 1}));
      }
    }
  }
}

TEST(ShapeInference, DilationWidensAWindow) {
  const Op op{.kind = OpKind::kConv2d, .window = {3, 3, 1, 1, {}, 2, 3}};
  EXPECT_EQ(windows_of(op, {9, 9, 2}), (Shape{5, 3, 2}));
}

TEST(ShapeInference, OperandsBroadcast) {
  EXPECT_EQ(broadcast_shape({4, 5, 6}, {1, 1, 6}), (Shape{4, 5, 6}));
  EXPECT_EQ(broadcast_shape({4, 1, 6}, {1, 5, 1}), (Shape{4, 5, 6}));
  EXPECT_THROW(broadcast_shape({4, 5, 6}, {1, 1, 3}), Error);
}

TEST(ShapeInference, ConcatenationAddsAlongItsAxis) {
  Graph graph;
  const TensorId a = add_input(graph, {2, 3, 4});
  const TensorId b = add_input(graph, {2, 5, 4});
  Op op{.kind = OpKind::kConcatenation};
  edit_details(graph, op).axis = Axis::kWidth;
  const TensorId joined = append_op(graph, op, {a, b});
  EXPECT_EQ(graph.tensors[joined].shape, (Shape{2, 8, 4}));
  graph.details[0].axis = Axis::kChannels;
  EXPECT_THROW(append_op(graph, op, {a, b}), Error);
}

TEST(ShapeInference, PadMeanAndTransposeFollowTheirDetails) {
  Graph graph;
  const TensorId input = add_input(graph, {2, 3, 4});
  Op pad{.kind = OpKind::kPad, .window = {.padding = {1, 2, 0, 3}}};
  edit_details(graph, pad).channels_after = 5;
  EXPECT_EQ(graph.tensors[append_op(graph, pad, {input})].shape, (Shape{5, 6, 9}));
  Op mean{.kind = OpKind::kMean};
  edit_details(graph, mean).reduced = {true, true, false};
  EXPECT_EQ(graph.tensors[append_op(graph, mean, {input})].shape, (Shape{1, 1, 4}));
  Op transpose{.kind = OpKind::kTranspose};
  edit_details(graph, transpose).permutation = {2, 0, 1};
  EXPECT_EQ(graph.tensors[append_op(graph, transpose, {input})].shape, (Shape{4, 2, 3}));
  EXPECT_THROW(append_op(graph, {.kind = OpKind::kReshape}, {input}), Error);
}

}  // namespace
}  // namespace mcunet::engine
