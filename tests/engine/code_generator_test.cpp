#include "mcunet/engine/code_generator.hpp"

#include <gmock/gmock.h>

#include "generated_model.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph_passes.hpp"
#include "mcunet/engine/tflite_reader.hpp"
#include "random_graphs.hpp"
#include "shared_data.hpp"
#include "small_graphs.hpp"

namespace mcunet::engine {
namespace {

// What the generator says it cannot do, or nothing.
std::string refusal(const Graph& graph) {
  try {
    generate_code(compile_graph(graph));
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

class GeneratedOperator : public testing::TestWithParam<OpKind> {};

// Random layers of one operator: odd sizes, all strides and paddings, saturating values.
TEST_P(GeneratedOperator, ComputesWhatTheReferenceExecutorComputes) {
  int compared = 0;
  for (std::uint64_t seed = 0; seed < 60 && compared < 8; ++seed) {
    const Graph graph = random_graph(GetParam(), seed);
    if (!refusal(graph).empty()) continue;
    const CompiledGraph compiled = compile_graph(graph);
    const GeneratedModel model(compiled, fmt::format("generated-{}-{}", name_of(GetParam()), seed));
    for (std::uint64_t trial = 0; trial < 3; ++trial) {
      const std::vector<TensorBytes> inputs = random_inputs(compiled.graph, 100 * seed + trial);
      ASSERT_EQ(model.run(inputs), execute(compiled.graph, inputs))
          << name_of(GetParam()) << " seed " << seed;
    }
    ++compared;
  }
  EXPECT_EQ(compared, 8);
}

INSTANTIATE_TEST_SUITE_P(CodeGenerator, GeneratedOperator,
                         testing::Values(OpKind::kConv2d, OpKind::kDepthwiseConv2d,
                                         OpKind::kFullyConnected, OpKind::kAveragePool2d,
                                         OpKind::kMaxPool2d, OpKind::kAdd, OpKind::kSub,
                                         OpKind::kMul, OpKind::kMean, OpKind::kPad,
                                         OpKind::kReshape, OpKind::kSoftmax, OpKind::kRelu,
                                         OpKind::kRelu6, OpKind::kLogistic, OpKind::kHardSwish,
                                         OpKind::kQuantize, OpKind::kConcatenation,
                                         OpKind::kResizeNearestNeighbor, OpKind::kTranspose),
                         [](const auto& test) { return fmt::format("{}", name_of(test.param)); });

// Whole networks; the inputs are random bytes.
TEST(CodeGenerator, RealModelsComputeWhatTheReferenceExecutorComputes) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  for (const char* name : {"mcunet_vww", "mlperf_ic_resnet", "mlperf_kws"}) {
    const CompiledGraph compiled =
        compile_graph(read_tflite(data / "tflite" / fmt::format("{}.tflite", name)));
    const GeneratedModel model(compiled, fmt::format("generated-{}", name));
    for (std::uint64_t trial = 0; trial < 4; ++trial) {
      const std::vector<TensorBytes> inputs = random_inputs(compiled.graph, trial);
      EXPECT_EQ(model.run(inputs), execute(compiled.graph, inputs)) << name;
    }
    RecordProperty(fmt::format("{}_arena_bytes", name), std::to_string(compiled.plan.arena_bytes));
  }
}

TEST(CodeGenerator, BringsOnlyTheKernelsThatAreCalled) {
  const CompiledGraph compiled = compile_graph(random_graph(OpKind::kMaxPool2d, 0));
  std::vector<std::string> paths;
  for (const GeneratedFile& file : generate_code(compiled)) paths.push_back(file.path);
  EXPECT_THAT(paths, testing::IsSupersetOf({"model.h", "model.c", "weights.h", "weights.c",
                                            "kernels/max_pool2d.c", "kernels/mcunet_kernels.h"}));
  EXPECT_THAT(paths, testing::Not(testing::Contains("kernels/conv2d.c")));
  EXPECT_THAT(paths, testing::Not(testing::Contains("kernels/pack.c")));
}

TEST(CodeGenerator, LeavesConversionsAtTheBordersToTheCaller) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  const Graph graph = read_tflite(data / "tflite/mcunet_vww.tflite");
  ASSERT_EQ(graph.tensors[graph.inputs[0]].type, DataType::kFloat32);
  const Graph stripped = strip_float_borders(graph);
  EXPECT_EQ(stripped.tensors[stripped.inputs[0]].type, DataType::kInt8);
  EXPECT_EQ(stripped.tensors[stripped.outputs[0]].type, DataType::kInt8);
  EXPECT_LT(stripped.ops.size(), graph.ops.size());
}

TEST(CodeGenerator, RefusesWhatHasNoKernelByName) {
  EXPECT_THAT(refusal(random_graph(OpKind::kDequantize, 0)), testing::Not(testing::IsEmpty()));
}

}  // namespace
}  // namespace mcunet::engine
