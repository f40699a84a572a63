#include <gtest/gtest.h>

#include "small_graphs.hpp"

namespace mcunet::engine {
namespace {

TEST(ReferenceLayout, ReshapeKeepsTheOrder) {
  const Graph graph = one_op_graph({.kind = OpKind::kReshape}, {{{1, 2, 3}}}, {{3, 1, 2}});
  EXPECT_EQ(run_int8(graph, {{1, 2, 3, 4, 5, 6}}), (std::vector{1, 2, 3, 4, 5, 6}));
}

TEST(ReferenceLayout, PadSurroundsWithTheZeroPointOrAValue) {
  OpDetails details;
  details.channels_before = 1;
  const Op op{.kind = OpKind::kPad, .window = {.padding = {.top = 1, .right = 1}}};
  const Graph graph = one_op_graph(op, {{{1, 1, 1}, {1, 9}}}, {{2, 2, 2}, {1, 9}}, &details);
  EXPECT_EQ(run_int8(graph, {{5}}), (std::vector{9, 9, 9, 9, 9, 5, 9, 9}));
  details.border = -3;
  const Graph own = one_op_graph(op, {{{1, 1, 1}, {1, 9}}}, {{2, 2, 2}, {1, 9}}, &details);
  EXPECT_EQ(run_int8(own, {{5}}), (std::vector{-3, -3, -3, -3, -3, 5, -3, -3}));
}

TEST(ReferenceLayout, MirrorsWithTheEdgesOrWithout) {
  const Op op{.kind = OpKind::kMirrorPad, .window = {.padding = {.left = 2, .right = 1}}};
  OpDetails details;
  const auto run = [&] {
    return run_int8(one_op_graph(op, {{{1, 3, 1}}}, {{1, 6, 1}}, &details), {{1, 2, 3}});
  };
  EXPECT_EQ(run(), (std::vector{3, 2, 1, 2, 3, 2}));
  details.repeats_edges = true;
  EXPECT_EQ(run(), (std::vector{2, 1, 1, 2, 3, 3}));
}

TEST(ReferenceLayout, ConcatenatesAlongEachAxis) {
  const auto joined = [](Axis axis, const Shape& output) {
    OpDetails details;
    details.axis = axis;
    const Graph graph = one_op_graph({.kind = OpKind::kConcatenation}, {{{1, 2, 2}}, {{1, 2, 2}}},
                                     {output}, &details);
    return run_int8(graph, {{1, 2, 3, 4}, {5, 6, 7, 8}});
  };
  EXPECT_EQ(joined(Axis::kHeight, {2, 2, 2}), (std::vector{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(joined(Axis::kWidth, {1, 4, 2}), (std::vector{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(joined(Axis::kChannels, {1, 2, 4}), (std::vector{1, 2, 5, 6, 3, 4, 7, 8}));
}

TEST(ReferenceLayout, ResizeTakesTheNearest) {
  const auto resized = [](const OpDetails& details, int width) {
    const Graph graph = one_op_graph({.kind = OpKind::kResizeNearestNeighbor}, {{{1, 3, 1}}},
                                     {{1, width, 1}}, &details);
    return run_int8(graph, {{1, 2, 3}});
  };
  EXPECT_EQ(resized({}, 6), (std::vector{1, 1, 2, 2, 3, 3}));
  EXPECT_EQ(resized({}, 2), (std::vector{1, 2}));
  EXPECT_EQ(resized({.half_pixel_centers = true}, 2), (std::vector{1, 3}));
  EXPECT_EQ(resized({.align_corners = true}, 5), (std::vector{1, 2, 2, 3, 3}));
}

TEST(ReferenceLayout, TransposePermutesAxes) {
  OpDetails details;
  details.permutation = {2, 0, 1};
  const Graph graph =
      one_op_graph({.kind = OpKind::kTranspose}, {{{2, 3, 2}}}, {{2, 2, 3}}, &details);
  EXPECT_EQ(run_int8(graph, {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}}),
            (std::vector{0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11}));
}

TEST(ReferenceLayout, SlicesGoForwardsAndBackwards) {
  OpDetails details;
  details.begin = {0, 2, 1};
  details.stride = {1, -2, 1};
  details.part = {1, 2, 2};
  const Graph graph =
      one_op_graph({.kind = OpKind::kStridedSlice}, {{{1, 3, 3}}}, {{1, 2, 2}}, &details);
  EXPECT_EQ(run_int8(graph, {{0, 1, 2, 3, 4, 5, 6, 7, 8}}), (std::vector{7, 8, 1, 2}));
}

TEST(ReferenceLayout, ResizeLiesBetweenNeighbours) {
  const auto resized = [](const OpDetails& details, int width) {
    const Graph graph =
        one_op_graph({.kind = OpKind::kResizeBilinear}, {{{1, 3, 1}}}, {{1, width, 1}}, &details);
    return run_int8(graph, {{-8, 0, 12}});
  };
  EXPECT_EQ(resized({}, 6), (std::vector{-8, -4, 0, 6, 12, 12}));
  EXPECT_EQ(resized({.half_pixel_centers = true}, 6), (std::vector{-8, -6, -2, 3, 9, 12}));
  EXPECT_EQ(resized({.align_corners = true}, 5), (std::vector{-8, -4, 0, 6, 12}));
}

}  // namespace
}  // namespace mcunet::engine
