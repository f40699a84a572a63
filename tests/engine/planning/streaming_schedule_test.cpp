#include "mcunet/engine/planning/streaming_schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/planning/arena.hpp"
#include "mcunet/engine/planning/resources.hpp"
#include "mcunet/engine/planning/row_bands.hpp"
#include "random_chain.hpp"
#include "residual_block.hpp"

namespace mcunet::engine {
namespace {

constexpr ScheduleOptions kStreaming{.streams = true};

// The most bytes alive in a step, as the planner of the memory counts them.
std::int64_t planned_peak(const Graph& graph, std::span<const Step> steps) {
  MemoryRequests requests;
  request_memory(graph, make_schedule(graph, steps, {}), ScratchPolicy::kOwn, requests);
  return plan_memory(requests.buffers).lower_bound_bytes;
}

// All divisions of the operators from `steps` on, tried one by one.
class Divisions {
 public:
  explicit Divisions(const Graph& graph, bool pulls_input = false)
      : graph_(graph), pulls_input_(pulls_input) {}

  std::int64_t least_peak() {
    extend(0);
    return least_;
  }

  // Of those of which no step has more alive than the limit, each in its cheapest bands.
  double least_cost(std::int64_t limit) {
    limit_ = limit;
    extend(0);
    return least_cost_;
  }

 private:
  void extend(OpId next) {
    if (next == static_cast<OpId>(graph_.ops.size())) {
      least_ = std::min(least_, planned_peak(graph_, steps_));
      double cost = 0;
      for (const Step& step : steps_) cost += cost_of(step);
      least_cost_ = std::min(least_cost_, cost);
      return;
    }
    for (OpId end = next + 1; end <= static_cast<OpId>(graph_.ops.size()); ++end) {
      Step step{next, end - next};
      step.pulls_input = pulls_input_ && next == 0;
      if (step.is_in_bands() && !is_group(step)) continue;
      for (const bool overlaps : {false, true}) {
        step.overlaps = overlaps;
        if (overlaps && find_overlap(graph_, step).input == kNoId) continue;
        steps_.push_back(step);
        extend(end);
        steps_.pop_back();
      }
    }
  }

  double cost_of(const Step& step) const {
    double least = std::numeric_limits<double>::infinity();
    Step tried = step;
    const std::int32_t height =
        step.is_in_bands() ? band_height(graph_, ops_of(graph_, step).back()) : 1;
    for (tried.band_rows = 1; tried.band_rows <= height; ++tried.band_rows) {
      if (step.overlaps && find_overlap(graph_, tried).input == kNoId) continue;
      for (const bool is_fast : {false, true}) {
        tried.has_fast_scratch = is_fast;
        if (live_bytes_of_step(graph_, tried, {}) > limit_) continue;
        least = std::min(least, band_instructions(graph_, tried));
      }
    }
    return least;
  }

  bool is_group(const Step& step) const {
    try {
      plan_row_bands(graph_, step);
      return true;
    } catch (const Error&) {
      return false;
    }
  }

  const Graph& graph_;
  bool pulls_input_;
  std::vector<Step> steps_;
  std::int64_t least_ = std::numeric_limits<std::int64_t>::max();
  std::int64_t limit_ = 0;
  double least_cost_ = std::numeric_limits<double>::infinity();
};

TEST(StreamingSchedule, NeverHoldsAnExpandedTensor) {
  const Graph graph = make_residual_block(
      {.height = 32, .width = 32, .channels = 8, .expanded_channels = 48, .kernel = 3});
  StreamingScheduler scheduler;
  const StreamingPlan& plan = scheduler.schedule(graph, kStreaming);
  const std::int64_t map = 32 * 32 * 8;
  // The input is added to the output at the end, so both are there.
  EXPECT_LT(plan.least_bytes, 2 * map + 4 * 32 * 48 + 1000);
  EXPECT_EQ(plan.peak_bytes, plan.least_bytes);
  ASSERT_GE(plan.steps.size(), 1u);
  EXPECT_GE(plan.steps[0].op_count, 3);
}

TEST(StreamingSchedule, IsTheBestOfAllDivisions) {
  RandomStream random(11);
  StreamingScheduler scheduler;
  int better = 0;
  for (int trial = 0; trial < 150; ++trial) {
    const Graph graph = RandomChain(random).make(5);
    const StreamingPlan& plan = scheduler.schedule(graph, kStreaming);
    ASSERT_EQ(plan.least_bytes, Divisions(graph).least_peak()) << "trial " << trial;
    EXPECT_EQ(plan.peak_bytes, plan.least_bytes);
    ASSERT_EQ(planned_peak(graph, plan.steps), plan.peak_bytes) << "trial " << trial;
    const StreamingPlan& least = scheduler.find_least(graph, kStreaming);
    ASSERT_EQ(planned_peak(graph, least.steps), least.least_bytes) << "trial " << trial;
    const Schedule one_by_one = make_schedule(graph);
    better += plan.least_bytes < planned_peak(graph, one_by_one.steps) ? 1 : 0;
  }
  EXPECT_GT(better, 40);
}

TEST(StreamingSchedule, IsTheCheapestOfAllDivisionsWithinALimit) {
  RandomStream random(13);
  StreamingScheduler scheduler;
  int cheaper = 0;
  for (int trial = 0; trial < 60; ++trial) {
    const Graph graph = RandomChain(random).make(5);
    ScheduleOptions options = kStreaming;
    const double at_least = scheduler.schedule(graph, options).instructions;
    options.streaming_bytes = scheduler.schedule(graph, options).least_bytes + random.index(600);
    const StreamingPlan& plan = scheduler.schedule(graph, options);
    EXPECT_DOUBLE_EQ(plan.instructions, Divisions(graph).least_cost(*options.streaming_bytes))
        << "trial " << trial;
    EXPECT_LE(plan.peak_bytes, *options.streaming_bytes);
    cheaper += plan.instructions < at_least ? 1 : 0;
  }
  EXPECT_GT(cheaper, 20);
}

TEST(StreamingSchedule, PullsTheInputInTheBestOfAllDivisions) {
  RandomStream random(12);
  StreamingScheduler scheduler;
  ScheduleOptions options = kStreaming;
  options.pulls_input = true;
  int possible = 0;
  for (int trial = 0; trial < 150; ++trial) {
    const Graph graph = RandomChain(random).make(5);
    const std::int64_t least = Divisions(graph, /*pulls_input=*/true).least_peak();
    if (least == std::numeric_limits<std::int64_t>::max()) {
      EXPECT_THROW(scheduler.schedule(graph, options), Error);
      continue;
    }
    ++possible;
    const StreamingPlan& plan = scheduler.schedule(graph, options);
    ASSERT_EQ(plan.least_bytes, least) << "trial " << trial;
    ASSERT_EQ(planned_peak(graph, plan.steps), plan.peak_bytes) << "trial " << trial;
    EXPECT_TRUE(plan.steps.front().pulls_input);
  }
  EXPECT_GT(possible, 75);
}

TEST(StreamingSchedule, StaysOperatorByOperatorWhereThatIsEnough) {
  const Graph graph = make_residual_block({});
  ScheduleOptions options = kStreaming;
  options.streaming_bytes = 1 << 20;
  EXPECT_EQ(StreamingScheduler().schedule(graph, options).steps.size(), graph.ops.size());
}

TEST(StreamingSchedule, BandsAreAsHighAsTheLimitAllows) {
  const Graph graph = make_residual_block({.height = 40, .width = 40, .expanded_channels = 64});
  StreamingScheduler scheduler;
  const std::int64_t least = scheduler.schedule(graph, kStreaming).least_bytes;
  double last = std::numeric_limits<double>::infinity();
  for (const std::int64_t more : {0, 8000, 16000, 32000}) {
    ScheduleOptions options = kStreaming;
    options.streaming_bytes = least + more;
    const StreamingPlan& plan = scheduler.schedule(graph, options);
    EXPECT_LE(plan.peak_bytes, least + more);
    double cost = 0;
    for (const Step& step : plan.steps) cost += band_instructions(graph, step);
    EXPECT_LT(cost, last);
    last = cost;
  }
}

// What is cheaper may leave gaps in the arena.
TEST(StreamingSchedule, KeepsToTheLimitWithItsArena) {
  RandomStream random(31);
  StreamingScheduler scheduler;
  int larger_than_alive = 0;
  int cheaper = 0;
  for (int trial = 0; trial < 150; ++trial) {
    const Graph graph = RandomChain(random).make(10);
    // With a gap for every step of high bands, since arenas of small networks have none.
    const auto arena_bytes = [&](std::span<const Step> steps) {
      const auto high = std::count_if(steps.begin(), steps.end(),
                                      [](const Step& step) { return step.band_rows > 1; });
      return planned_peak(graph, steps) + 60 * high;
    };
    const StreamingPlan least = scheduler.schedule_in_arena(graph, kStreaming, arena_bytes);
    const std::int64_t least_arena = arena_bytes(least.steps);
    EXPECT_LE(least_arena, arena_bytes(scheduler.find_least(graph, kStreaming).steps));
    ScheduleOptions options = kStreaming;
    options.streaming_bytes = least_arena + random.index(400);
    const StreamingPlan plan = scheduler.schedule_in_arena(graph, options, arena_bytes);
    ASSERT_LE(arena_bytes(plan.steps), *options.streaming_bytes) << "trial " << trial;
    EXPECT_LE(plan.instructions, least.instructions);
    larger_than_alive +=
        arena_bytes(scheduler.schedule(graph, options).steps) > *options.streaming_bytes;
    cheaper += plan.instructions < least.instructions ? 1 : 0;
  }
  EXPECT_GT(larger_than_alive, 5);
  EXPECT_GT(cheaper, 50);
}

TEST(StreamingSchedule, BytesOfAStepAreThoseOfThePlan) {
  RandomStream random(5);
  for (int trial = 0; trial < 100; ++trial) {
    const Graph graph = RandomChain(random).make(10);
    const std::vector<Step> steps = random_steps(graph, random);
    std::int64_t most = 0;
    for (const Step& step : steps) {
      most = std::max(most, live_bytes_of_step(graph, step, {}));
    }
    ASSERT_EQ(most, planned_peak(graph, steps)) << "trial " << trial;
  }
}

// The oracle of a search.
TEST(StreamingSchedule, MeasuresNoMoreThanInPlace) {
  RandomStream random(7);
  ResourceOracle in_place({.schedule = SchedulePolicy::kInPlace, .scratch = ScratchPolicy::kOwn});
  ResourceOracle streaming(
      {.schedule = SchedulePolicy::kStreaming, .scratch = ScratchPolicy::kOwn});
  for (int trial = 0; trial < 100; ++trial) {
    const Graph graph = RandomChain(random).make(12);
    EXPECT_LE(streaming.measure(graph).lower_bound_bytes,
              in_place.measure(graph).lower_bound_bytes);
    EXPECT_EQ(streaming.measure(graph).macs, in_place.measure(graph).macs);
  }
}

}  // namespace
}  // namespace mcunet::engine
