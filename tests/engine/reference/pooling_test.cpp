#include <gtest/gtest.h>

#include "small_graphs.hpp"

namespace mcunet::engine {
namespace {

TEST(ReferencePooling, AveragesRoundHalvesAwayFromZero) {
  const Op op{.kind = OpKind::kAveragePool2d, .window = {1, 2, 1, 2, {}}};
  const Graph graph = one_op_graph(op, {{{1, 6, 1}, {1, 5}}}, {{1, 3, 1}, {1, 5}});
  EXPECT_EQ(run_int8(graph, {{1, 2, -1, -2, -4, 4}}), (std::vector{2, -2, 0}));
}

TEST(ReferencePooling, PaddingDoesNotCount) {
  const Op op{.kind = OpKind::kAveragePool2d, .window = {1, 3, 1, 1, {0, 0, 1, 1}}};
  const Graph graph = one_op_graph(op, {{{1, 3, 1}}}, {{1, 3, 1}});
  EXPECT_EQ(run_int8(graph, {{10, 20, 60}}), (std::vector{15, 30, 40}));
}

TEST(ReferencePooling, MaximumOfEachWindowAndChannel) {
  const Op op{.kind = OpKind::kMaxPool2d, .window = {2, 2, 2, 2, {0, 1, 0, 0}}};
  const Graph graph = one_op_graph(op, {{{3, 2, 2}}}, {{2, 1, 2}});
  EXPECT_EQ(run_int8(graph, {{1, -1, 2, -2, 3, -3, 4, -4, -128, -5, -127, -6}}),
            (std::vector{4, -1, -127, -5}));
}

TEST(ReferencePooling, ActivationsClampPools) {
  const Op op{.kind = OpKind::kMaxPool2d, .activation = Activation::kRelu6};
  const Graph graph = one_op_graph(op, {{{1, 3, 1}}}, {{1, 3, 1}});
  EXPECT_EQ(run_int8(graph, {{-3, 4, 9}}), (std::vector{0, 4, 6}));
}

Graph mean_graph(const Shape& input, const Quantization& from, const Quantization& to) {
  OpDetails details;
  details.reduced = {true, true, false};
  return one_op_graph({.kind = OpKind::kMean}, {{input, from}}, {{1, 1, input.channels}, to},
                      &details);
}

TEST(ReferencePooling, MeansOfWholeNumbersAreExact) {
  EXPECT_EQ(run_int8(mean_graph({2, 2, 2}, {1, 5}, {1, 5}), {{1, -1, 2, -2, 3, -3, 6, -2}}),
            (std::vector{3, -2}));
  EXPECT_EQ(run_int8(mean_graph({1, 4, 1}, {1, 1}, {0.5F, -3}), {{1, 3, 5, 7}}), (std::vector{3}));
}

TEST(ReferencePooling, SumsAreNotDivided) {
  OpDetails details;
  details.reduced = {false, true, false};
  const Graph graph = one_op_graph({.kind = OpKind::kSum}, {{{1, 3, 2}, {0.5F, 1}}},
                                   {{1, 1, 2}, {0.25F, -7}}, &details);
  EXPECT_EQ(run_int8(graph, {{1, 3, 2, -2, 3, 100}}), (std::vector{-1, 127}));
}

TEST(ReferencePooling, MinimaOverAnyAxes) {
  OpDetails details;
  details.reduced = {true, false, true};
  const Graph graph =
      one_op_graph({.kind = OpKind::kReduceMin}, {{{2, 2, 2}}}, {{1, 2, 1}}, &details);
  EXPECT_EQ(run_int8(graph, {{1, 2, 3, 4, 5, -6, 127, 3}}), (std::vector{-6, 3}));
}

// Each result rounds twice, by up to half a step.
TEST(ReferencePooling, MeansAreNearTheRealMean) {
  std::vector<int> input;
  int sums[2] = {0, 0};
  for (int i = 0; i < 18; ++i) {
    input.push_back((i * 37) % 41 - 10);
    sums[i % 2] += input.back() - 3;
  }
  const std::vector<int> output = run_int8(mean_graph({3, 3, 2}, {0.5F, 3}, {0.25F, -7}), {input});
  for (int c = 0; c < 2; ++c) EXPECT_NEAR(output[c], 2 * sums[c] / 9.0 - 7, 1) << c;
}

TEST(ReferencePooling, MaximaOverAnyAxes) {
  const auto maxima = [](const std::array<bool, 3>& reduced, const Shape& output) {
    OpDetails details;
    details.reduced = reduced;
    const Graph graph =
        one_op_graph({.kind = OpKind::kReduceMax}, {{{2, 2, 2}}}, {output}, &details);
    return run_int8(graph, {{-8, 1, 7, -2, 3, -128, -5, 6}});
  };
  EXPECT_EQ(maxima({true, true, false}, {1, 1, 2}), (std::vector{7, 6}));
  EXPECT_EQ(maxima({true, false, true}, {1, 2, 1}), (std::vector{3, 7}));
  EXPECT_EQ(maxima({false, false, true}, {1, 2, 2}), (std::vector{1, 7, 3, 6}));
}

}  // namespace
}  // namespace mcunet::engine
