#include "mcunet/engine/reference/reference_executor.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "fnv1a.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "random_graphs.hpp"
#include "small_graphs.hpp"

namespace mcunet::engine {
namespace {

// Recorded with scripts/compare_with_tflite.py --golden from TensorFlow Lite's interpreters.
class RecordedOperators : public testing::Test {
 protected:
  template <typename MakeGraph>
  void expect_recorded(const std::string& name, OpKind kind, MakeGraph make_graph,
                       std::size_t recorded = 12) const {
    const auto& hashes = golden_.at(name);
    EXPECT_EQ(hashes.size(), recorded);
    for (const auto& [seed_text, hash] : hashes.items()) {
      const auto seed = static_cast<std::uint64_t>(std::stoi(seed_text));
      const Graph graph = make_graph(kind, seed);
      const auto outputs = execute(graph, random_inputs(graph, seed));
      EXPECT_EQ(fnv1a_hex(outputs[0]), hash) << name << " " << seed;
    }
  }

 private:
  nlohmann::json golden_ = nlohmann::json::parse(
      read_file(std::filesystem::path(MCUNET_SOURCE_DIR) / "tests/golden/tflite_operators.json"));
};

TEST_F(RecordedOperators, RandomLayersMatchTensorFlowLite) {
  for (OpKind kind : kAllOpKinds) {
    expect_recorded(std::string(name_of(kind)), kind, random_graph);
  }
}

TEST_F(RecordedOperators, SumsThatTakeAllOf32BitsMatchTensorFlowLite) {
  for (OpKind kind : kWideSumOpKinds) {
    expect_recorded(fmt::format("{}_wide", name_of(kind)), kind, random_wide_sum_graph);
  }
}

TEST_F(RecordedOperators, WeightsOfFourBitsMatchTensorFlowLite) {
  for (OpKind kind : kInt4OpKinds) {
    // Fully connected layers with a scale per channel have none to compare with.
    const std::size_t recorded = kind == OpKind::kFullyConnected ? 4 : 12;
    expect_recorded(fmt::format("{}_int4", name_of(kind)), kind, random_int4_graph, recorded);
  }
}

TEST(ReferenceExecutor, RefusesInputsOfAnotherSize) {
  const Graph graph = one_op_graph({.kind = OpKind::kRelu}, {{{1, 2, 3}}}, {{1, 2, 3}});
  EXPECT_THROW(execute(graph, std::vector<TensorBytes>{}), Error);
  EXPECT_THROW(execute(graph, std::vector<TensorBytes>{TensorBytes(5)}), Error);
  EXPECT_NO_THROW(execute(graph, std::vector<TensorBytes>{TensorBytes(6)}));
}

TEST(ReferenceExecutor, RefusesGraphsWithoutQuantization) {
  Graph graph;
  graph.outputs = {append_op(graph, {.kind = OpKind::kRelu}, {add_input(graph, {1, 1, 4})})};
  EXPECT_THROW(execute(graph, std::vector<TensorBytes>{TensorBytes(4)}), Error);
}

TEST(ReferenceExecutor, ShowsEveryOperatorAndReturnsEveryOutput) {
  Graph graph = one_op_graph({.kind = OpKind::kRelu}, {{{1, 1, 3}}}, {{1, 1, 3}});
  const TensorId relu = graph.outputs[0];
  const TensorId sum = append_op(graph, {.kind = OpKind::kAdd, .has_bias = false}, {relu, relu});
  edit_info(graph, sum).quantization = {1, 0};
  graph.outputs = {sum, relu};
  std::vector<std::vector<std::byte>> seen;
  const auto outputs =
      execute(graph, std::vector<TensorBytes>{int8_bytes({-5, 0, 7})},
              [&](OpId, auto bytes) { seen.emplace_back(bytes.begin(), bytes.end()); });
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0], int8_bytes({0, 0, 7}));
  EXPECT_EQ(outputs[0], int8_bytes({0, 0, 14}));
  EXPECT_EQ(outputs[1], seen[0]);
}

}  // namespace
}  // namespace mcunet::engine
