#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>

#include "small_graphs.hpp"

namespace mcunet::engine {
namespace {

constexpr Quantization kProbability = {1.0F / 256, -128};

std::vector<int> all_values() {
  std::vector<int> values(256);
  std::iota(values.begin(), values.end(), -128);
  return values;
}

// The largest distance of the output from round(function(x) / scale) + zero_point over all inputs.
int largest_error(OpKind kind, const Quantization& from, const Quantization& to,
                  const std::function<double(double)>& function) {
  const Graph graph = one_op_graph({.kind = kind}, {{{1, 1, 256}, from}}, {{1, 1, 256}, to});
  const std::vector<int> outputs = run_int8(graph, {all_values()});
  int largest = 0;
  for (int value = -128; value < 128; ++value) {
    const double real = function(double{from.scale} * (value - from.zero_point));
    const double exact = std::round(real / double{to.scale}) + to.zero_point;
    const int expected = static_cast<int>(std::min(127.0, std::max(-128.0, exact)));
    largest = std::max(largest, std::abs(outputs[value + 128] - expected));
  }
  return largest;
}

TEST(ReferenceActivations, ReluKeepsWhatIsPositive) {
  const auto relu = [](double x) { return std::max(x, 0.0); };
  EXPECT_EQ(largest_error(OpKind::kRelu, {0.5F, 3}, {0.5F, -128}, relu), 0);
  EXPECT_EQ(largest_error(OpKind::kRelu, {0.5F, 3}, {0.25F, -128}, relu), 0);
  EXPECT_LE(largest_error(OpKind::kRelu, {0.07F, 3}, {0.11F, -5}, relu), 1);
}

TEST(ReferenceActivations, Relu6StopsAtSix) {
  const auto relu6 = [](double x) { return std::clamp(x, 0.0, 6.0); };
  EXPECT_EQ(largest_error(OpKind::kRelu6, {0.0625F, -20}, {0.0625F, -128}, relu6), 0);
}

TEST(ReferenceActivations, LogisticIsNearTheRealFunction) {
  const auto logistic = [](double x) { return 1 / (1 + std::exp(-x)); };
  EXPECT_LE(largest_error(OpKind::kLogistic, {0.05F, 7}, kProbability, logistic), 1);
  EXPECT_LE(largest_error(OpKind::kLogistic, {0.5F, -50}, kProbability, logistic), 1);
}

TEST(ReferenceActivations, TanhIsNearTheRealFunction) {
  const auto tanh = [](double x) { return std::tanh(x); };
  EXPECT_LE(largest_error(OpKind::kTanh, {0.02F, 7}, {1.0F / 128, 0}, tanh), 1);
  EXPECT_LE(largest_error(OpKind::kTanh, {0.3F, -50}, {1.0F / 128, 0}, tanh), 1);
}

TEST(ReferenceActivations, HardSwishIsNearTheRealFunction) {
  const auto hard_swish = [](double x) { return x * std::clamp(x + 3, 0.0, 6.0) / 6; };
  EXPECT_LE(largest_error(OpKind::kHardSwish, {0.05F, 7}, {0.04F, -118}, hard_swish), 1);
}

TEST(ReferenceActivations, LeakyReluScalesWhatIsNegative) {
  OpDetails details;
  details.alpha = 0.25F;
  const Graph graph = one_op_graph({.kind = OpKind::kLeakyRelu}, {{{1, 1, 4}, {0.5F, 10}}},
                                   {{1, 1, 4}, {0.5F, -20}}, &details);
  EXPECT_EQ(run_int8(graph, {{10, 14, 6, -120}}), (std::vector{-20, -16, -21, -53}));
}

TEST(ReferenceActivations, SoftmaxIsNearTheRealFunction) {
  OpDetails details;
  details.beta = 2;
  const Graph graph = one_op_graph({.kind = OpKind::kSoftmax}, {{{1, 2, 3}, {0.05F, 0}}},
                                   {{1, 2, 3}, kProbability}, &details);
  const std::vector<int> input = {10, 20, 5, -100, 100, 0};
  const std::vector<int> output = run_int8(graph, {input});
  for (int row = 0; row < 6; row += 3) {
    double sum = 0;
    for (int i = row; i < row + 3; ++i) sum += std::exp(0.1 * input[i]);
    for (int i = row; i < row + 3; ++i) {
      const double exact = std::min(127.0, 256 * std::exp(0.1 * input[i]) / sum - 128);
      EXPECT_NEAR(output[i], exact, 1);
    }
  }
}

TEST(ReferenceActivations, LogSoftmaxIsNearTheRealFunction) {
  const Graph graph = one_op_graph({.kind = OpKind::kLogSoftmax}, {{{1, 2, 3}, {0.1F, 0}}},
                                   {{1, 2, 3}, {1.0F / 16, 127}});
  const std::vector<int> input = {10, 20, 5, -50, 100, 0};
  const std::vector<int> output = run_int8(graph, {input});
  for (int row = 0; row < 6; row += 3) {
    double sum = 0;
    for (int i = row; i < row + 3; ++i) sum += std::exp(0.1 * input[i]);
    for (int i = row; i < row + 3; ++i) {
      EXPECT_NEAR(output[i], 16 * (0.1 * input[i] - std::log(sum)) + 127, 0.51);
    }
  }
}

TEST(ReferenceActivations, AFlatSoftmaxOfManyClassesIsNotNegative) {
  const Graph graph = one_op_graph({.kind = OpKind::kSoftmax}, {{{1, 1, 1000}, {0.1F, 0}}},
                                   {{1, 1, 1000}, kProbability});
  EXPECT_EQ(run_int8(graph, {std::vector<int>(1000, 5)}), std::vector<int>(1000, -128));
}

TensorBytes convert(OpKind kind, const Tensor& from, const Quantization& from_quantization,
                    const Tensor& to, const Quantization& to_quantization, TensorBytes input) {
  Graph graph;
  const TensorId source = add_input(graph, from.shape, from.type);
  edit_info(graph, source).quantization = from_quantization;
  const TensorId output =
      append_op(graph, {.kind = kind, .has_bias = false}, std::span(&source, 1), to);
  edit_info(graph, output).quantization = to_quantization;
  graph.outputs = {output};
  return execute(graph, std::vector<TensorBytes>{std::move(input)})[0];
}

TEST(ReferenceActivations, ConvertsAtTheBorders) {
  const Tensor floats = {{1, 1, 4}, DataType::kFloat32};
  const Tensor int8s = {{1, 1, 4}, DataType::kInt8};
  const Tensor uint8s = {{1, 1, 4}, DataType::kUint8};
  const Quantization q = {0.5F, 1};
  EXPECT_EQ(convert(OpKind::kQuantize, floats, {}, int8s, q,
                    bytes_of(std::vector<float>{-1, 0.25F, 1000, -1000})),
            int8_bytes({-1, 2, 127, -128}));
  EXPECT_EQ(convert(OpKind::kDequantize, int8s, q, floats, {}, int8_bytes({1, 2, -128, 127})),
            bytes_of(std::vector<float>{0, 0.5F, -64.5F, 63}));
  EXPECT_EQ(convert(OpKind::kQuantize, uint8s, {0.5F, 129}, int8s, q,
                    bytes_of(std::vector<std::uint8_t>{0, 128, 129, 255})),
            int8_bytes({-128, 0, 1, 127}));
}

TEST(ReferenceActivations, FunctionsOfRealNumbersAreNear) {
  const Quantization from = {0.05F, 3}, positive = {0.05F, -128}, to = {0.03F, -100};
  const auto gelu = [](double x) { return x / 2 * std::erfc(-x * std::sqrt(0.5)); };
  EXPECT_EQ(largest_error(OpKind::kGelu, from, to, gelu), 0);
  EXPECT_EQ(
      largest_error(OpKind::kElu, from, to, [](double x) { return x < 0 ? std::expm1(x) : x; }), 0);
  EXPECT_EQ(largest_error(OpKind::kExp, from, to, [](double x) { return std::exp(x); }), 0);
  EXPECT_EQ(largest_error(OpKind::kLog, positive, to, [](double x) { return std::log(x); }), 0);
  EXPECT_LE(largest_error(OpKind::kAbs, from, to, [](double x) { return std::abs(x); }), 1);
  // Truncated.
  EXPECT_EQ(largest_error(OpKind::kSqrt, positive, to, [](double x) { return std::sqrt(x); }), 1);
  EXPECT_LE(largest_error(OpKind::kRsqrt, positive, to, [](double x) { return 1 / std::sqrt(x); }),
            1);
}

// An approximation by tanh, at most a step of 2^-8 away.
TEST(ReferenceActivations, GeluByTanh) {
  OpDetails details;
  details.is_approximate = true;
  const Graph graph = one_op_graph({.kind = OpKind::kGelu}, {{{1, 1, 256}, {1.0F / 32, 0}}},
                                   {{1, 1, 256}, {1.0F / 32, 0}}, &details);
  const std::vector<int> outputs = run_int8(graph, {all_values()});
  for (int value = -128; value < 128; ++value) {
    const double x = value / 32.0;
    EXPECT_NEAR(outputs[value + 128], std::round(16 * x * std::erfc(-x * std::sqrt(0.5))), 1);
  }
}

TEST(ReferenceActivations, RootsOfWhatIsNegativeAreThoseOfZero) {
  const auto run = [](OpKind kind) {
    const Graph graph = one_op_graph({.kind = kind}, {{{1, 1, 4}}}, {{1, 1, 4}, {0.25F, 0}});
    return run_int8(graph, {{-128, -1, 0, 4}});
  };
  EXPECT_EQ(run(OpKind::kSqrt), (std::vector{0, 0, 0, 8}));
  EXPECT_EQ(run(OpKind::kRsqrt), (std::vector{127, 127, 127, 2}));
}

TEST(ReferenceActivations, NegatesAndClampsToAUnit) {
  const auto run = [](OpKind kind) {
    const Graph graph =
        one_op_graph({.kind = kind}, {{{1, 1, 4}, {0.5F, 0}}}, {{1, 1, 4}, {0.5F, 0}});
    return run_int8(graph, {{-128, -1, 1, 3}});
  };
  EXPECT_EQ(run(OpKind::kNeg), (std::vector{-128, 1, -1, -3}));
  EXPECT_EQ(run(OpKind::kReluN1To1), (std::vector{-2, -1, 1, 2}));
  EXPECT_EQ(run(OpKind::kRelu0To1), (std::vector{0, 0, 1, 2}));
}

}  // namespace
}  // namespace mcunet::engine
