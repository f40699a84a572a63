#include "mcunet/engine/tflite/writer.hpp"

#include <gtest/gtest.h>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/tflite/reader.hpp"
#include "random_graphs.hpp"
#include "shared_data.hpp"
#include "small_graphs.hpp"

namespace mcunet::engine {
namespace {

Graph round_trip(const Graph& graph) { return read_tflite(write_tflite(graph), "memory"); }

TEST(TfliteWriter, ReadsBackEqualInGraphAndOutputs) {
  for (OpKind kind : kAllOpKinds) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      const Graph graph = random_graph(kind, seed);
      const Graph once = round_trip(graph);
      const Graph twice = round_trip(once);
      EXPECT_EQ(once, twice) << name_of(kind) << " " << seed;
      const auto inputs = random_inputs(graph, seed);
      EXPECT_EQ(execute(once, inputs), execute(graph, inputs)) << name_of(kind) << " " << seed;
    }
  }
}

TEST(TfliteWriter, ReadsWeightsOfFourBitsBackEqual) {
  for (OpKind kind : kInt4OpKinds) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      if (seed % 4 == 1) continue;  // rare forms become others
      const Graph graph = random_int4_graph(kind, seed);
      const Graph once = round_trip(graph);
      EXPECT_EQ(round_trip(once), once) << name_of(kind) << " " << seed;
      EXPECT_EQ(once.constants[once.details_of(once.ops.back()).weights].type, DataType::kInt4);
      const auto inputs = random_inputs(graph, seed);
      EXPECT_EQ(execute(once, inputs), execute(graph, inputs)) << name_of(kind) << " " << seed;
    }
  }
}

// TensorFlow Lite has no such thing; the same container has, under another name.
TEST(TfliteWriter, RefusesActivationsOfFourBitsUnlessTheFileIsOurs) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Graph graph = random_narrow_network(seed);
    const Graph once = read_tflite(write_model(graph), "memory");
    EXPECT_EQ(read_tflite(write_model(once), "memory"), once) << seed;
    const auto inputs = random_inputs(graph, seed);
    EXPECT_EQ(execute(once, inputs), execute(graph, inputs)) << seed;
  }
  const Graph graph = random_narrow_network(0);
  EXPECT_EQ(model_file_name(graph), "model.mcunet");
  EXPECT_EQ(model_file_name(random_graph(OpKind::kConv2d, 0)), "model.tflite");
  try {
    write_tflite(graph);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "tensor 1 'conv_2d_0': is an activation of int4; TensorFlow Lite has int4 for "
                 "weights only");
  }
}

TEST(TfliteWriter, ReadsRealModelsBackEqual) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  for (const char* name : {"mlperf_kws", "mlperf_ic_resnet", "mcunet_vww"}) {
    const Graph graph = read_tflite(data / "tflite" / (std::string(name) + ".tflite"));
    EXPECT_EQ(round_trip(graph), graph) << name;
  }
}

TEST(TfliteWriter, StartsLikeATfliteFile) {
  const auto bytes = write_tflite(random_graph(OpKind::kConv2d, 0));
  ASSERT_GE(bytes.size(), 8U);
  EXPECT_EQ(std::memcmp(bytes.data() + 4, "TFL3", 4), 0);
}

TEST(TfliteWriter, AlignsConstantsTo16Bytes) {
  Graph graph = random_graph(OpKind::kFullyConnected, 3);
  Constant& weights = graph.constants[0];
  std::fill(weights.data.begin(), weights.data.end(), std::byte{0x5D});
  const auto bytes = write_tflite(graph);
  const auto found =
      std::search(bytes.begin(), bytes.end(), weights.data.begin(), weights.data.end());
  ASSERT_NE(found, bytes.end());
  EXPECT_EQ((found - bytes.begin()) % 16, 0);
}

TEST(TfliteWriter, SymmetricPaddingAtStride2BecomesAPad) {
  const Op op{.kind = OpKind::kConv2d, .window = centred_window(3, 2)};
  constexpr OpDetails kWeights = {.weights = 0};
  Graph graph = one_op_graph(op, {{{4, 4, 1}, {1, 3}}}, {{2, 2, 1}}, &kWeights);
  graph.constants = {int8_constant({1, 3, 3, 1}, {1, 2, 3, 4, 5, 6, 7, 8, 9})};
  const Graph written = round_trip(graph);
  ASSERT_EQ(written.ops.size(), 2U);
  EXPECT_EQ(written.ops[0].kind, OpKind::kPad);
  EXPECT_EQ(written.ops[1].window.padding, Padding{});
  const std::initializer_list<std::vector<int>> input = {
      {1, -1, 2, 0, 1, 3, -2, 4, 0, 5, -5, 1, 2, 2, -3, -1}};
  EXPECT_EQ(run_int8(written, input), run_int8(graph, input));
}

TEST(TfliteWriter, RefusesPoolsWithPaddingOfTheirOwn) {
  const Op op{.kind = OpKind::kAveragePool2d, .window = centred_window(3, 2)};
  EXPECT_THROW(write_tflite(one_op_graph(op, {{{4, 4, 1}}}, {{2, 2, 1}})), Error);
}

}  // namespace
}  // namespace mcunet::engine
