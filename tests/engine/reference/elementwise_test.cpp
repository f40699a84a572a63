#include <gtest/gtest.h>

#include <cmath>

#include "small_graphs.hpp"

namespace mcunet::engine {
namespace {

TEST(ReferenceElementwise, AddsInRealNumbers) {
  const Graph graph = one_op_graph(
      {.kind = OpKind::kAdd}, {{{1, 1, 3}, {0.5F, 1}}, {{1, 1, 3}, {2, -1}}}, {{1, 1, 3}, {1, 4}});
  // 0.5 (a - 1) + 2 (b + 1) + 4
  EXPECT_EQ(run_int8(graph, {{3, -5, 127}, {0, 2, 127}}), (std::vector{7, 7, 127}));
}

TEST(ReferenceElementwise, SubtractsInOrder) {
  const Graph graph = one_op_graph({.kind = OpKind::kSub, .activation = Activation::kRelu},
                                   {{{1, 1, 2}}, {{1, 1, 2}}}, {{1, 1, 2}, {1, -100}});
  EXPECT_EQ(run_int8(graph, {{9, 2}, {2, 9}}), (std::vector{-93, -100}));
}

TEST(ReferenceElementwise, MultipliesDifferencesFromZeroPoints) {
  const Graph graph = one_op_graph(
      {.kind = OpKind::kMul}, {{{1, 1, 3}, {0.5F, 1}}, {{1, 1, 3}, {2, -1}}}, {{1, 1, 3}, {1, 4}});
  EXPECT_EQ(run_int8(graph, {{3, -5, 127}, {0, 2, 127}}), (std::vector{6, -14, 127}));
}

TEST(ReferenceElementwise, OneValuePerChannelOrPixel) {
  const Op mul{.kind = OpKind::kMul};
  const Graph per_channel = one_op_graph(mul, {{{1, 2, 2}}, {{1, 1, 2}}}, {{1, 2, 2}});
  EXPECT_EQ(run_int8(per_channel, {{1, 2, 3, 4}, {10, -1}}), (std::vector{10, -2, 30, -4}));
  const Graph per_pixel = one_op_graph(mul, {{{1, 2, 1}}, {{1, 2, 2}}}, {{1, 2, 2}});
  EXPECT_EQ(run_int8(per_pixel, {{10, -1}, {1, 2, 3, 4}}), (std::vector{10, 20, -3, -4}));
}

TEST(ReferenceElementwise, AConstantMayStandOnEitherSide) {
  OpDetails details;
  details.operand = 0;
  Graph graph = one_op_graph({.kind = OpKind::kSub}, {{{1, 1, 2}}}, {{1, 1, 2}}, &details);
  graph.constants = {int8_constant({}, {10})};
  EXPECT_EQ(run_int8(graph, {{1, 12}}), (std::vector{-9, 2}));
  graph.details[0].operand_is_first = true;
  EXPECT_EQ(run_int8(graph, {{1, 12}}), (std::vector{9, -2}));
}

TEST(ReferenceElementwise, TheLargerAndTheSmallerValue) {
  const auto run = [](OpKind kind) {
    const Graph graph = one_op_graph({.kind = kind}, {{{1, 2, 2}, {1, 7}}, {{1, 1, 2}, {1, 7}}},
                                     {{1, 2, 2}, {1, 7}});
    return run_int8(graph, {{1, 2, -128, 127}, {0, 3}});
  };
  EXPECT_EQ(run(OpKind::kMaximum), (std::vector{1, 3, 0, 127}));
  EXPECT_EQ(run(OpKind::kMinimum), (std::vector{0, 2, -128, 3}));
}

TEST(ReferenceElementwise, SquaresDifferences) {
  const Graph graph =
      one_op_graph({.kind = OpKind::kSquaredDifference},
                   {{{1, 1, 3}, {0.5F, 1}}, {{1, 1, 3}, {2, -1}}}, {{1, 1, 3}, {1, 4}});
  // (0.5 (a - 1) - 2 (b + 1))^2 + 4
  EXPECT_EQ(run_int8(graph, {{3, -5, 127}, {0, 1, 0}}), (std::vector{5, 53, 127}));
}

TEST(ReferenceElementwise, MultipliesMatrices) {
  const Quantized a{{1, 2, 3}, {0.5F, 1}}, b{{1, 3, 2}, {2, -1}}, output{{1, 2, 2}, {1, 4}};
  Graph graph = one_op_graph({.kind = OpKind::kBatchMatmul}, {a, b}, output);
  const std::vector<int> first = {2, 1, 3, 0, 1, 1};
  EXPECT_EQ(run_int8(graph, {first, {0, 1, 9, 9, -3, 2}}), (std::vector{1, 12, 3, 2}));
  OpDetails details;
  details.is_transposed = true;
  graph = one_op_graph({.kind = OpKind::kBatchMatmul}, {a, {{1, 2, 3}, {2, -1}}}, output, &details);
  EXPECT_EQ(run_int8(graph, {first, {0, 9, -3, 1, 9, 2}}), (std::vector{1, 12, 3, 2}));
}

TEST(ReferenceElementwise, NegativeValuesHaveSlopes) {
  OpDetails details;
  details.operand = 0;
  Graph graph = one_op_graph({.kind = OpKind::kPrelu}, {{{1, 2, 2}, {1, 1}}},
                             {{1, 2, 2}, {0.5F, 4}}, &details);
  graph.constants = {int8_constant({1, 1, 2}, {2, -4}, {0.25F})};
  // 2 (a - 1) + 4, or with slopes of 0.5 and -1
  EXPECT_EQ(run_int8(graph, {{3, 1, -9, -9}}), (std::vector{8, 4, -6, 24}));
}

}  // namespace
}  // namespace mcunet::engine
