#include "mcunet/engine/codegen/code_writer.hpp"

#include <gmock/gmock.h>

#include <array>
#include <filesystem>

#include "generated_model.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/graph_passes.hpp"
#include "mcunet/engine/graph/weights.hpp"
#include "mcunet/engine/planning/resources.hpp"
#include "mcunet/engine/quantization/random_weights.hpp"
#include "mcunet/engine/tflite/reader.hpp"
#include "narrowed.hpp"
#include "random_graphs.hpp"
#include "shared_data.hpp"
#include "small_graphs.hpp"
#include "stateful_graph.hpp"
#include "uint8_graph.hpp"

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

constexpr CompileOptions kConvertingBorders = {.borders = Borders::kInvoke};

// Three random inputs one after the other, through the generated code and through the reference executor.
void expect_exact(const Graph& graph, const std::string& name) {
  const GeneratedModel model(compile_graph(graph, kConvertingBorders), "generated-" + name);
  std::vector<std::vector<TensorBytes>> inputs;
  for (std::uint64_t trial = 0; trial < 3; ++trial) inputs.push_back(random_inputs(graph, trial));
  const auto expected = execute_in_turn(graph, inputs);
  for (std::size_t trial = 0; trial < inputs.size(); ++trial) {
    ASSERT_EQ(model.run(inputs[trial]), expected[trial]) << name;
  }
}

// Of one output of four values.
Graph classifier() {
  Graph graph;
  const TensorId input = add_input(graph, {.height = 1, .width = 1, .channels = 4});
  const TensorId output = append_op(graph, {.kind = OpKind::kQuantize, .has_bias = false}, {input});
  edit_info(graph, input) = {.name = "in", .quantization = {0.5F, 0}};
  edit_info(graph, output) = {.name = "out", .quantization = {0.5F, 0}};
  graph.outputs = {output};
  return graph;
}

// Names of folders and words hold anything.
TEST(CodeWriter, ClassesHaveTheirNames) {
  const std::vector<std::string> names = {"plain", "\"; int x[\\\\] //",
                                          "caf\xc3\xa9 \n\x01"
                                          "1",
                                          "*/ ?\?/ %s {{model}}"};
  const GeneratedModel model(compile_graph(classifier(), {.class_names = names}),
                             "generated-class-names", "-trigraphs");
  const auto* found = model.symbol<const char* const>("model_class_names");
  ASSERT_NE(found, nullptr);
  for (std::size_t i = 0; i < names.size(); ++i) EXPECT_EQ(found[i], names[i]);
}

TEST(CodeWriter, WithoutNamesOfClassesThereIsNothing) {
  for (const GeneratedFile& file : generate_code(compile_graph(classifier())).files) {
    EXPECT_THAT(file.contents, testing::Not(testing::HasSubstr("class"))) << file.path;
  }
}

TEST(CodeWriter, RefusesAnotherNumberOfClassNames) {
  try {
    compile_graph(classifier(), {.class_names = {"a", "b", "c"}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "there are 3 names of classes, but output 0 has 4 values");
  }
}

class GeneratedOperator : public testing::TestWithParam<OpKind> {};

// Random layers of one operator: odd sizes, all strides and paddings, saturating values.
TEST_P(GeneratedOperator, ComputesWhatTheReferenceExecutorComputes) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    expect_exact(random_graph(GetParam(), seed), fmt::format("{}-{}", name_of(GetParam()), seed));
  }
}

INSTANTIATE_TEST_SUITE_P(CodeWriter, GeneratedOperator, testing::ValuesIn(kAllOpKinds),
                         [](const auto& test) { return fmt::format("{}", name_of(test.param)); });

class GeneratedRareOperator : public testing::TestWithParam<OpKind> {};

TEST_P(GeneratedRareOperator, ComputesWhatTheReferenceExecutorComputes) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    expect_exact(random_rare_graph(GetParam(), seed),
                 fmt::format("rare-{}-{}", name_of(GetParam()), seed));
  }
}

INSTANTIATE_TEST_SUITE_P(CodeWriter, GeneratedRareOperator, testing::ValuesIn(kRareOpKinds),
                         [](const auto& test) { return fmt::format("{}", name_of(test.param)); });

class GeneratedWideSums : public testing::TestWithParam<OpKind> {};

TEST_P(GeneratedWideSums, ComputesWhatTheReferenceExecutorComputes) {
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    expect_exact(random_wide_sum_graph(GetParam(), seed),
                 fmt::format("wide-{}-{}", name_of(GetParam()), seed));
  }
}

INSTANTIATE_TEST_SUITE_P(CodeWriter, GeneratedWideSums, testing::ValuesIn(kWideSumOpKinds),
                         [](const auto& test) { return fmt::format("{}", name_of(test.param)); });

class GeneratedInt4 : public testing::TestWithParam<OpKind> {};

TEST_P(GeneratedInt4, ComputesWhatTheReferenceExecutorComputes) {
  for (std::uint64_t seed = 0; seed < 16; ++seed) {
    expect_exact(random_int4_graph(GetParam(), seed),
                 fmt::format("int4-{}-{}", name_of(GetParam()), seed));
  }
}

INSTANTIATE_TEST_SUITE_P(CodeWriter, GeneratedInt4, testing::ValuesIn(kInt4OpKinds),
                         [](const auto& test) { return fmt::format("{}", name_of(test.param)); });

// In the least arena, and in one with room for four columns and whole planes.
TEST(CodeWriter, ActivationsOfFourBitsAreExact) {
  int followers = 0;  // first convolutions that write over the image
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    SCOPED_TRACE(seed);
    const Graph graph = random_narrow_network(seed);
    CompileOptions options;
    if (seed % 2 == 1) options.sram_budget_bytes = 1 << 20;
    if (seed % 4 == 2) options.specializes_kernels = false;
    const CompiledGraph compiled = compile_graph(graph, options);
    followers += compiled.schedule.steps[0].overlaps ? 1 : 0;
    const GeneratedModel model(compiled, "generated-narrow");
    for (std::uint64_t trial = 0; trial < 3; ++trial) {
      const std::vector<TensorBytes> inputs = random_inputs(graph, trial);
      ASSERT_EQ(model.run(inputs), execute(graph, inputs));
    }
  }
  EXPECT_GT(followers, 4);
}

// A layer whose input widened to 16 bits may be the most that it needs.
void expect_scratch_from(std::int32_t outputs_with_scratch, std::int32_t inputs, int weight_bits) {
  for (std::int32_t outputs = 1; outputs <= outputs_with_scratch; ++outputs) {
    SCOPED_TRACE(fmt::format("{} outputs of {} inputs, {} bits", outputs, inputs, weight_bits));
    Graph shapes;
    const TensorId input = add_input(shapes, {1, 1, inputs});
    shapes.outputs = {append_op(shapes, {.kind = OpKind::kFullyConnected}, {input}, outputs)};
    set_weight_bits(shapes, weight_bits);
    RandomStream random(outputs);
    const Graph graph = with_random_weights(shapes, random);
    const CompiledGraph compiled = compile_graph(graph);
    const std::int64_t tensors = (inputs + 3) / 4 * 4 + (outputs + 3) / 4 * 4;
    EXPECT_EQ(compiled.arena.plan.arena_bytes > tensors, outputs == outputs_with_scratch);
    const std::vector<TensorBytes> values = random_inputs(graph, 1);
    EXPECT_EQ(GeneratedModel(compiled, "generated-few").run(values), execute(graph, values));
    EXPECT_EQ(
        GeneratedModel(compile_graph(graph, {.specializes_kernels = false}), "general").run(values),
        execute(graph, values));
  }
}

// As the last layers of a keyword spotter, and of a network that tells two classes apart.
TEST(CodeWriter, AFewOutputsOfManyInputsNeedNoScratch) {
  expect_scratch_from(5, 1027, 8);
  expect_scratch_from(1, 1023, 8);
  expect_scratch_from(7, 1027, 4);
  expect_scratch_from(7, 65, 4);
  expect_scratch_from(1, 63, 4);
}

// A network in an arena with room for four columns and whole planes.
TEST(CodeWriter, FasterKernelsComputeTheSame) {
  CompileOptions options;
  options.sram_budget_bytes = 1 << 20;
  for (const int kernel : {3, 5, 7}) {
    for (const int stride : {1, 2}) {
      SCOPED_TRACE(fmt::format("{}x{} of stride {}", kernel, kernel, stride));
      Graph shapes;
      const TensorId input = add_input(shapes, {23, 21, 3});
      const TensorId columns = append_op(
          shapes, {.kind = OpKind::kConv2d, .window = centred_window(kernel, 1)}, {input}, 13);
      shapes.outputs = {append_op(
          shapes, {.kind = OpKind::kDepthwiseConv2d, .window = centred_window(kernel, stride)},
          {columns}, 13)};
      RandomStream random(kernel);
      const Graph graph = with_random_weights(shapes, random);
      const CompiledGraph compiled = compile_graph(graph, options);
      EXPECT_EQ(compiled.arena.gain.four_columns + compiled.arena.gain.whole_planes, 2);
      const std::vector<TensorBytes> inputs = random_inputs(graph, 1);
      EXPECT_EQ(GeneratedModel(compiled, "generated-faster").run(inputs), execute(graph, inputs));
    }
  }
}

// Whole networks; the inputs are random bytes.
TEST(CodeWriter, RealModelsComputeWhatTheReferenceExecutorComputes) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  for (const char* name : {"mcunet_vww", "mlperf_ic_resnet", "mlperf_kws"}) {
    const CompiledGraph compiled =
        compile_graph(read_tflite(data / "tflite" / fmt::format("{}.tflite", name)));
    const GeneratedModel model(compiled, fmt::format("generated-{}", name));
    for (std::uint64_t trial = 0; trial < 4; ++trial) {
      const std::vector<TensorBytes> inputs = random_inputs(compiled.graph, trial);
      EXPECT_EQ(model.run(inputs), execute(compiled.graph, inputs)) << name;
    }
    RecordProperty(fmt::format("{}_arena_bytes", name),
                   std::to_string(compiled.arena.plan.arena_bytes));
  }
}

// Real models with dead channels whose bias is 2^30, as batch normalizations leave them.
TEST(CodeWriter, RealModelsOfFourBitsAreExactOnHalfTheWeights) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  for (const char* name : {"mcunet_vww", "mlperf_ic_resnet", "mlperf_kws"}) {
    const Graph wide = prepare_graph(read_tflite(data / "tflite" / fmt::format("{}.tflite", name)));
    const Graph narrow = narrowed(wide);
    // An odd number of weights leaves half a byte.
    EXPECT_NEAR(2.0 * static_cast<double>(estimate_flash(narrow).weights),
                static_cast<double>(estimate_flash(wide).weights), 2.0 * wide.ops.size());
    expect_exact(narrow, fmt::format("int4-{}", name));
  }
}

TEST(CodeWriter, DeadChannelsOfRealModelsAreExact) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  const std::filesystem::path folder = data / "field/sums_30_bits";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no " << folder;
  int models = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    expect_exact(read_tflite(file.path()), fmt::format("dead-{}", ++models));
  }
  EXPECT_GE(models, 4);
}

TEST(CodeWriter, EveryOptionComputesTheSame) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  const Graph graph = read_tflite(data / "tflite/mcunet_vww.tflite");
  const std::vector<TensorBytes> inputs = random_inputs(compile_graph(graph).graph, 5);
  const std::vector<TensorBytes> expected = execute(compile_graph(graph).graph, inputs);
  const std::int64_t arena = compile_graph(graph).arena.plan.arena_bytes;
  CompileOptions options;
  const auto expect_same = [&](const char* name) {
    const CompiledGraph compiled = compile_graph(graph, options);
    EXPECT_EQ(GeneratedModel(compiled, name).run(inputs), expected) << name;
    EXPECT_GE(compiled.arena.plan.arena_bytes, arena) << name;
  };
  options.sram_budget_bytes = 1 << 20;
  expect_same("generated-fastest");
  options.scratch_growth = ScratchGrowth::kNone;
  expect_same("generated-least-scratch");
  options.schedule.in_place_depthwise = false;
  expect_same("generated-out-of-place");
  options.specializes_kernels = false;
  expect_same("generated-general");
  options.fuses_padding = false;
  options.links_all_kernels = true;
  expect_same("generated-all-off");
}

TEST(CodeWriter, BringsOnlyTheKernelsThatAreCalled) {
  const CompiledGraph compiled = compile_graph(random_graph(OpKind::kMaxPool2d, 0));
  std::vector<std::string> paths;
  for (const GeneratedFile& file : generate_code(compiled).files) paths.push_back(file.path);
  EXPECT_THAT(paths, testing::IsSupersetOf({"model.h", "model.c", "weights.h", "weights.c",
                                            "kernels/max_pool2d.c", "kernels/mcunet_kernels.h"}));
  EXPECT_THAT(paths, testing::Not(testing::Contains("kernels/conv2d.c")));
  EXPECT_THAT(paths, testing::Not(testing::Contains("kernels/pack.c")));
}

TEST(CodeWriter, LeavesConversionsAtTheBordersToTheCaller) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  const Graph graph = read_tflite(data / "tflite/mcunet_vww.tflite");
  ASSERT_EQ(graph.tensors[graph.inputs[0]].type, DataType::kFloat32);
  const Graph stripped = strip_float_borders(graph);
  EXPECT_EQ(stripped.tensors[stripped.inputs[0]].type, DataType::kInt8);
  EXPECT_EQ(stripped.tensors[stripped.outputs[0]].type, DataType::kInt8);
  EXPECT_LT(stripped.ops.size(), graph.ops.size());
}

// A whole network that takes and gives float.
TEST(CodeWriter, ConvertsAtTheBordersOnRequest) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  const Graph graph = read_tflite(data / "tflite/mcunet_vww.tflite");
  ASSERT_EQ(graph.tensors[graph.inputs[0]].type, DataType::kFloat32);
  expect_exact(graph, "float-borders");
}

// Models from frameworks whose images have their channels first.
TEST(CodeWriter, TransposesFloat) {
  for (const std::array<std::int8_t, 3> permutation :
       {std::array<std::int8_t, 3>{2, 0, 1}, {1, 2, 0}, {1, 0, 2}}) {
    Graph graph;
    Op transpose{.kind = OpKind::kTranspose};
    edit_details(graph, transpose).permutation = permutation;
    const TensorId turned =
        append_op(graph, transpose, {add_input(graph, {3, 4, 5}, DataType::kFloat32)});
    graph.outputs = {append_op(graph, {.kind = OpKind::kQuantize}, {turned}), turned};
    edit_info(graph, graph.outputs[0]).quantization = {0.05F, 3};
    expect_exact(graph, "float-transpose");
  }
}

TEST(CodeWriter, TakesAndGivesUint8) {
  expect_exact(uint8_graph({0.05F, 121}), "uint8");
  expect_exact(uint8_graph({0.031F, 90}), "uint8-rescaled");
}

// The caller's int8 values are those of the file less 128.
TEST(CodeWriter, LeavesUint8ToTheCaller) {
  for (const Quantization& output : {Quantization{0.05F, 121}, Quantization{0.031F, 90}}) {
    const Graph graph = uint8_graph(output);
    const CompiledGraph compiled = compile_graph(graph);
    EXPECT_EQ(compiled.graph.ops.size(), output.scale == 0.05F ? 1u : 2u);
    const auto less_128 = [](std::vector<TensorBytes> values) {
      for (std::byte& byte : values[0]) byte ^= std::byte{0x80};
      return values;
    };
    const std::vector<TensorBytes> inputs = random_inputs(graph, 3);
    EXPECT_EQ(GeneratedModel(compiled, "generated-uint8-caller").run(less_128(inputs)),
              less_128(execute(graph, inputs)));
  }
}

TEST(CodeWriter, RefusesFloatThatNothingQuantizes) {
  Graph graph;
  const TensorId input = add_input(graph, {2, 2, 2}, DataType::kFloat32);
  graph.outputs = {append_op(graph, {.kind = OpKind::kReshape}, std::span(&input, 1),
                             {{1, 1, 8}, DataType::kFloat32})};
  edit_info(graph, input).name = "image";
  EXPECT_THAT(refusal(graph), testing::HasSubstr("'image' has no int8 form"));
  expect_exact(graph, "float-reshape");
}

}  // namespace
}  // namespace mcunet::engine
