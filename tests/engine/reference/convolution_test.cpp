// Scales are chosen so that the factor from accumulator to output is 1: sums can be done by hand.
#include <gtest/gtest.h>

#include <limits>

#include "small_graphs.hpp"

namespace mcunet::engine {
namespace {

constexpr OpDetails kWeights = {.weights = 0};
constexpr OpDetails kWeightsAndBias = {.weights = 0, .bias = 1};

TEST(ReferenceConvolution, SumsOverTapsAndChannels) {
  Op op{.kind = OpKind::kConv2d, .window = {2, 1, 1, 1, {}}};
  Graph graph =
      one_op_graph(op, {{{2, 2, 2}, {0.5F, 1}}}, {{1, 2, 2}, {0.25F, -3}}, &kWeightsAndBias);
  // Two filters of two taps of two channels.
  graph.constants = {int8_constant({2, 2, 1, 2}, {1, 2, 3, 4, -1, 0, 0, 5}, {0.5F, 0.5F}),
                     int32_constant({10, -20})};
  // Less the zero point: rows {0 1 | 2 3}, {4 5 | 6 7}.
  const int first = 0 * 1 + 1 * 2 + 4 * 3 + 5 * 4 + 10 - 3;
  const int second = 0 * -1 + 1 * 0 + 4 * 0 + 5 * 5 - 20 - 3;
  const int third = 2 * 1 + 3 * 2 + 6 * 3 + 7 * 4 + 10 - 3;
  const int fourth = 2 * -1 + 7 * 5 - 20 - 3;
  EXPECT_EQ(run_int8(graph, {{1, 2, 3, 4, 5, 6, 7, 8}}),
            (std::vector{first, second, third, fourth}));
}

TEST(ReferenceConvolution, TapsOutsideTheInputAreZero) {
  Op op{.kind = OpKind::kConv2d, .window = {1, 3, 2, 2, {0, 0, 0, 1}}};
  Graph graph = one_op_graph(op, {{{1, 4, 1}, {1, -10}}}, {{1, 2, 1}}, &kWeights);
  graph.constants = {int8_constant({1, 1, 3, 1}, {1, 2, 3})};
  EXPECT_EQ(run_int8(graph, {{-9, -8, -7, -6}}), (std::vector{1 + 4 + 9, 3 + 8}));
}

TEST(ReferenceConvolution, DilationSkipsElements) {
  Op op{.kind = OpKind::kConv2d, .window = {1, 2, 1, 1, {}, 1, 3}};
  Graph graph = one_op_graph(op, {{{1, 5, 1}}}, {{1, 2, 1}}, &kWeights);
  graph.constants = {int8_constant({1, 1, 2, 1}, {1, 10})};
  EXPECT_EQ(run_int8(graph, {{1, 2, 3, 4, 5}}), (std::vector{41, 52}));
}

TEST(ReferenceConvolution, EachChannelHasItsScale) {
  Op op{.kind = OpKind::kConv2d, .activation = Activation::kRelu6};
  Graph graph = one_op_graph(op, {{{1, 1, 1}}}, {{1, 1, 3}}, &kWeights);
  graph.constants = {int8_constant({3, 1, 1, 1}, {1, 1, -1}, {1, 4, 1})};
  EXPECT_EQ(run_int8(graph, {{1}}), (std::vector{1, 4, 0}));
  EXPECT_EQ(run_int8(graph, {{2}}), (std::vector{2, 6, 0}));
}

// Every input value lays the kernel down at twice its position, less the padding.
TEST(ReferenceConvolution, TransposedSpreadsTheKernel) {
  const Op op{.kind = OpKind::kTransposeConv, .window = {1, 3, 1, 2, {0, 0, 0, 1}}};
  Graph graph = one_op_graph(op, {{{1, 2, 1}, {1, 1}}}, {{1, 4, 1}}, &kWeightsAndBias);
  graph.constants = {int8_constant({1, 1, 3, 1}, {1, 2, 3}), int32_constant({-1})};
  // Less the zero point: 2 and 10.
  EXPECT_EQ(run_int8(graph, {{3, 11}}), (std::vector{2 - 1, 4 - 1, 6 + 10 - 1, 20 - 1}));
}

TEST(ReferenceConvolution, DepthwiseChannelsStayApart) {
  Op op{.kind = OpKind::kDepthwiseConv2d, .window = {1, 2, 1, 1, {}}};
  Graph graph = one_op_graph(op, {{{1, 2, 2}}}, {{1, 1, 4}}, &kWeightsAndBias);
  // A multiplier of 2: outputs 0 and 1 read channel 0.
  graph.constants = {int8_constant({1, 1, 2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}),
                     int32_constant({0, 1, 2, 3})};
  EXPECT_EQ(run_int8(graph, {{1, -1, 2, -2}}),
            (std::vector{1 + 10, 2 + 12 + 1, -3 - 14 + 2, -4 - 16 + 3}));
}

// A dead channel keeps the bias that it has; sums beyond 2^31 wrap.
TEST(ReferenceConvolution, SumsTakeAllOf32Bits) {
  Op op{.kind = OpKind::kConv2d};
  Graph graph = one_op_graph(op, {{{1, 2, 1}}}, {{1, 2, 4}}, &kWeightsAndBias);
  constexpr float kStep = 0x1p-25F;
  graph.constants = {int8_constant({4, 1, 1, 1}, {0, 0, 100, 100}, {kStep, kStep, kStep, kStep}),
                     int32_constant({1 << 30, std::numeric_limits<std::int32_t>::min(),
                                     std::numeric_limits<std::int32_t>::max() - 100,
                                     std::numeric_limits<std::int32_t>::min() + 100})};
  EXPECT_EQ(run_int8(graph, {{1, 2}}), (std::vector{32, -64, 64, -64, 32, -64, -64, -64}));
  EXPECT_EQ(run_int8(graph, {{-1, -2}}), (std::vector{32, -64, 64, -64, 32, -64, 64, 64}));
}

TEST(ReferenceConvolution, FullyConnectedReadsTheWholeMap) {
  Op op{.kind = OpKind::kFullyConnected};
  Graph graph = one_op_graph(op, {{{1, 2, 2}}}, {{1, 1, 2}}, &kWeights);
  graph.constants = {int8_constant({2, 4}, {1, 2, 3, 4, 127, 127, 127, 127})};
  EXPECT_EQ(run_int8(graph, {{1, 1, 2, 2}}), (std::vector{17, 127}));
}

}  // namespace
}  // namespace mcunet::engine
