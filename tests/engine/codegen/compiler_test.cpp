#include "mcunet/engine/codegen/compiler.hpp"

#include <gmock/gmock.h>

#include "core/error_text.hpp"
#include "random_graphs.hpp"

namespace mcunet::engine {
namespace {

TEST(Compiler, BordersHaveNames) {
  for (const Borders borders : {Borders::kCaller, Borders::kInvoke}) {
    EXPECT_EQ(borders_named(name_of(borders)), borders);
  }
  EXPECT_EQ(error_of([] { borders_named("callee"); }),
            "borders: must be caller or invoke, is callee");
}

TEST(Compiler, DescribesOperators) {
  Op op{.kind = OpKind::kDepthwiseConv2d};
  op.window.kernel_height = 3;
  op.window.kernel_width = 5;
  EXPECT_EQ(describe(op), "depthwise_conv_2d 3x5");
  op.window.stride_height = 2;
  EXPECT_EQ(describe(op), "depthwise_conv_2d 3x5 /2");
  EXPECT_EQ(describe({.kind = OpKind::kSoftmax}), "softmax");
}

TEST(Compiler, StagingLiesInTheArenaBesideTheInputs) {
  const Graph graph = random_graph(OpKind::kConv2d, 3);
  const CompiledGraph plain = compile_graph(graph);
  const CompiledGraph staged = compile_graph(graph, {.staging_bytes = {1000, 24}});
  EXPECT_TRUE(plain.arena.staging_offsets.empty());
  ASSERT_EQ(staged.arena.staging_offsets.size(), 2u);
  EXPECT_GE(staged.arena.plan.arena_bytes, 1024 + graph.tensors[graph.inputs[0]].bytes());
  for (const std::int64_t offset : staged.arena.staging_offsets) EXPECT_EQ(offset % 8, 0);
}

TEST(Compiler, GeneralKernelsHaveNoUseForMoreMemory) {
  const Graph graph = random_graph(OpKind::kConv2d, 3);
  const CompiledGraph compiled =
      compile_graph(graph, {.specializes_kernels = false, .sram_budget_bytes = 1 << 20});
  EXPECT_EQ(compiled.arena.gain.bytes, 0);
}

TEST(Compiler, RefusesAGraphWithoutOperators) {
  Graph graph;
  graph.inputs = graph.outputs = {add_input(graph, {2, 2, 2})};
  edit_info(graph, graph.inputs[0]).quantization = {0.5F, 0};
  EXPECT_EQ(error_of([&] { compile_graph(graph); }),
            "has no operators besides conversions at its borders");
}

}  // namespace
}  // namespace mcunet::engine
