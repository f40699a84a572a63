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
TEST(ReferenceExecutor, MatchesTensorFlowLiteOnRandomOperators) {
  const auto golden = nlohmann::json::parse(
      read_file(std::filesystem::path(MCUNET_SOURCE_DIR) / "tests/golden/tflite_operators.json"));
  for (OpKind kind : kAllOpKinds) {
    const auto& hashes = golden.at(std::string(name_of(kind)));
    EXPECT_EQ(hashes.size(), 12);
    for (const auto& [seed_text, hash] : hashes.items()) {
      const auto seed = static_cast<std::uint64_t>(std::stoi(seed_text));
      const Graph graph = random_graph(kind, seed);
      const auto outputs = execute(graph, random_inputs(graph, seed));
      EXPECT_EQ(fnv1a_hex(outputs[0]), hash) << name_of(kind) << " " << seed;
    }
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
