#include "mcunet/engine/planning/arena.hpp"

#include <gmock/gmock.h>

#include "mcunet/engine/planning/plan_validator.hpp"
#include "mcunet/engine/tflite/reader.hpp"
#include "planning/kernel_scratch.hpp"
#include "residual_block.hpp"
#include "shared_data.hpp"

namespace mcunet::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TensorId append_convolution(Graph& graph, TensorId input, int channels) {
  return append_op(graph, {.kind = OpKind::kConv2d, .window = centred_window(3, 1)}, {input},
                   channels);
}

// A column is 3 * 3 * 8 values of 16 bits: 144 bytes of scratch, or 576 for four. Tensors of 512.
Graph one_convolution() {
  Graph graph;
  graph.outputs = {append_convolution(graph, add_input(graph, {8, 8, 8}), 8)};
  return graph;
}

Arena plan(const Graph& graph, std::optional<std::int64_t> budget_bytes) {
  return plan_arena(graph, make_schedule(graph), {.budget_bytes = budget_bytes});
}

Arena plan_least(const Graph& graph) {
  return plan_arena(graph, make_schedule(graph), {.growth = ScratchGrowth::kWithinArena});
}

bool is_same(const Arena& a, const Arena& b) {
  return a.plan.offsets == b.plan.offsets && a.plan.arena_bytes == b.plan.arena_bytes &&
         a.requests.step_scratch_bytes == b.requests.step_scratch_bytes &&
         a.gain.bytes == b.gain.bytes;
}

TEST(Arena, GrowsIfTheBudgetHasRoomForAFasterKernel) {
  const Graph graph = one_convolution();
  const Arena least = plan_least(graph);
  EXPECT_EQ(least.plan.arena_bytes, 512 + 512 + 144);
  EXPECT_EQ(least.gain.bytes, 0);
  const Arena fastest = plan(graph, 512 + 512 + 576);
  EXPECT_EQ(fastest.plan.arena_bytes, 512 + 512 + 576);
  EXPECT_THAT(fastest.requests.step_scratch_bytes, ElementsAre(576));
  EXPECT_EQ(fastest.plan.lower_bound_bytes, least.plan.arena_bytes) << "of the least scratch";
  EXPECT_EQ(fastest.gain.bytes, 432);
  EXPECT_EQ(fastest.gain.four_columns, 1);
  EXPECT_EQ(fastest.gain.whole_planes, 0);
  EXPECT_GT(fastest.gain.saved_instructions, 0);
}

TEST(Arena, IsTheLeastWhereTheBudgetHasNoRoom) {
  const Graph graph = one_convolution();
  const Arena least = plan_least(graph);
  EXPECT_TRUE(is_same(plan(graph, std::nullopt), least)) << "no device";
  for (const std::int64_t budget : {512 + 512 + 575, 512 + 512 + 144, 100, 0, -8}) {
    EXPECT_TRUE(is_same(plan(graph, budget), least)) << budget;
  }
}

TEST(Arena, HasTheLeastScratchWithoutGrowth) {
  // One column of the layer in the middle makes the peak; the others have room for four.
  Graph graph;
  const TensorId wide = append_convolution(graph, add_input(graph, {8, 8, 8}), 32);
  graph.outputs = {append_convolution(graph, append_convolution(graph, wide, 8), 8)};
  const Arena none = plan_arena(graph, make_schedule(graph),
                                {.growth = ScratchGrowth::kNone, .budget_bytes = 1 << 20});
  EXPECT_THAT(none.requests.step_scratch_bytes, ElementsAre(144, 576, 144));
  const Arena least = plan_least(graph);
  EXPECT_THAT(least.requests.step_scratch_bytes, ElementsAre(576, 576, 576));
  EXPECT_EQ(least.plan.arena_bytes, none.plan.arena_bytes);
}

TEST(Arena, TakesWhatFits) {
  // Four columns of the second layer are four times as large as those of the first.
  Graph graph;
  const TensorId first = append_convolution(graph, add_input(graph, {8, 8, 8}), 32);
  graph.outputs = {append_convolution(graph, first, 32)};
  constexpr std::int64_t kSecond = 2 * 64 * 32;  // its tensors
  const Arena all = plan(graph, 1 << 20);
  EXPECT_THAT(all.requests.step_scratch_bytes, ElementsAre(576, 4 * 576));
  EXPECT_EQ(all.plan.arena_bytes, kSecond + 4 * 576);
  EXPECT_EQ(all.gain.four_columns, 1) << "the first has four columns with the least arena";
  const Arena some = plan(graph, kSecond + 4 * 576 - 1);
  EXPECT_THAT(some.requests.step_scratch_bytes, ElementsAre(576, testing::Lt(4 * 576)));
}

TEST(Arena, HoldsWholePlanesOfDepthwiseConvolutions) {
  Graph graph;
  graph.outputs = {append_op(graph,
                             {.kind = OpKind::kDepthwiseConv2d, .window = centred_window(3, 1)},
                             {add_input(graph, {20, 20, 8})}, 8)};
  const Arena least = plan_least(graph);
  const Arena fastest = plan(graph, 1 << 20);
  // 22 rows of 22 instead of 3, for two channels of int16; the ring has its weights twice, less one.
  EXPECT_EQ(fastest.gain.bytes, 4 * (22 - 3) * 22 - 8 * 2 * 2);
  EXPECT_EQ(fastest.plan.arena_bytes, least.plan.arena_bytes + fastest.gain.bytes);
  EXPECT_EQ(fastest.gain.whole_planes, 1);
  EXPECT_EQ(fastest.gain.four_columns, 0);
}

TEST(Arena, StagingKeepsItsPlaceAndAlignment) {
  const Graph graph = one_convolution();
  const Schedule schedule = make_schedule(graph);
  const ArenaOptions options{.budget_bytes = 4096, .staging_bytes = {100, 24}};
  const Arena arena = plan_arena(graph, schedule, options);
  EXPECT_EQ(arena.gain.four_columns, 1);
  ASSERT_EQ(arena.staging_offsets.size(), 2U);
  ASSERT_EQ(arena.plan.offsets.size(), arena.requests.buffers.size());
  MemoryPlan all = arena.plan;
  all.offsets.insert(all.offsets.end(), arena.staging_offsets.begin(), arena.staging_offsets.end());
  EXPECT_THAT(validate_plan(with_staging(graph, arena.requests, options.staging_bytes), all,
                            kStagingAlignment),
              IsEmpty());
}

TEST(Arena, SaysWhatItGained) {
  EXPECT_EQ(describe(ScratchGain{}), "");
  EXPECT_EQ(describe({.bytes = 864, .four_columns = 1}),
            "1 convolution works on four columns instead of one");
  EXPECT_EQ(describe({.bytes = 5000, .four_columns = 2, .whole_planes = 3}),
            "2 convolutions work on four columns instead of one, 3 depthwise convolutions work on "
            "whole planes instead of a few rows");
}

// At budgets from nothing to more than enough: never beyond them, valid, faster with each, and with
// the last every kernel has what it wishes for.
TEST(Arena, RealModelsUseWhatABudgetHas) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  for (const char* name : {"mcunet_vww", "mlperf_ic_resnet", "mlperf_kws"}) {
    SCOPED_TRACE(name);
    const Graph graph = read_tflite(data / "tflite" / (std::string(name) + ".tflite"));
    const std::int64_t least = plan_least(graph).plan.arena_bytes;
    double saved = 0;
    for (std::int64_t budget = least - 1000; budget < least + 64'000; budget += 1700) {
      const Arena arena = plan(graph, budget);
      EXPECT_LE(arena.plan.arena_bytes, std::max(budget, least));
      EXPECT_EQ(arena.gain.bytes, arena.plan.arena_bytes - least);
      EXPECT_THAT(validate_plan(arena.requests.buffers, arena.plan, PlannerOptions{}.alignment),
                  IsEmpty());
      EXPECT_GE(arena.gain.saved_instructions, saved);
      saved = arena.gain.saved_instructions;
    }
    const Schedule schedule = make_schedule(graph);
    const Arena fastest = plan(graph, 1 << 20);
    for (std::size_t step = 0; step < schedule.steps.size(); ++step) {
      const Op& op = graph.ops[schedule.steps[step].first_op];
      if (faster_way(graph, op) == FasterWay::kNone) continue;
      EXPECT_EQ(fastest.requests.step_scratch_bytes[step], fastest_scratch_bytes(graph, op))
          << step;
    }
  }
}

// One of its layers works on one column at a time in the least memory, which is the peak's.
TEST(Arena, ImageClassificationTakesAFewBytesForItsLargestLayer) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  const Graph graph = read_tflite(data / "tflite/mlperf_ic_resnet.tflite");
  const Arena arena = plan(graph, 312 * 1024);
  EXPECT_EQ(arena.plan.arena_bytes, 50'304);
  EXPECT_EQ(arena.gain.bytes, 864);
  EXPECT_EQ(arena.gain.four_columns, 1);
}

}  // namespace
}  // namespace mcunet::engine
