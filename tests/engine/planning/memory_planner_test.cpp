#include "mcunet/engine/planning/memory_planner.hpp"

#include <gmock/gmock.h>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/planning/plan_validator.hpp"
#include "plan_builders.hpp"

namespace mcunet::engine {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

const PlannerOptions kBytes{.alignment = 1};

MemoryPlan plan_and_validate(const std::vector<BufferRequest>& requests,
                             const PlannerOptions& options = kBytes) {
  const MemoryPlan plan = plan_memory(requests, options);
  for (const PlanViolation& violation : validate_plan(requests, plan, options.alignment)) {
    ADD_FAILURE() << violation.message;
  }
  return plan;
}

TEST(MemoryPlanner, NothingNeedsNothing) {
  const MemoryPlan plan = plan_and_validate({});
  EXPECT_EQ(plan.arena_bytes, 0);
  EXPECT_TRUE(plan.is_optimal);
}

TEST(MemoryPlanner, BuffersThatDoNotMeetShareMemory) {
  const MemoryPlan plan = plan_and_validate({{10, 0, 1}, {7, 2, 3}, {10, 4, 4}});
  EXPECT_EQ(plan.arena_bytes, 10);
}

TEST(MemoryPlanner, BuffersOfTheSameStepDoNot) {
  // The first one's last step is the second one's first.
  const MemoryPlan plan = plan_and_validate({{10, 0, 1}, {7, 1, 2}});
  EXPECT_EQ(plan.arena_bytes, 17);
}

TEST(MemoryPlanner, InPlaceSharesTheStepOfTheTransition) {
  const MemoryPlan plan = plan_and_validate({{10, 0, 1}, {7, 1, 2, 0}});
  EXPECT_EQ(plan.arena_bytes, 10);
  EXPECT_EQ(plan.offsets[0], plan.offsets[1]);
}

TEST(MemoryPlanner, AGroupGivesBackWhatItNoLongerNeeds) {
  // A stride-2 depthwise convolution: 100 bytes become 25 in place, then 60 join them.
  const MemoryPlan plan = plan_and_validate({{100, 0, 1}, {25, 1, 2, 0}, {60, 2, 2}});
  EXPECT_EQ(plan.arena_bytes, 100);
  EXPECT_EQ(plan.lower_bound_bytes, 100);
}

TEST(MemoryPlanner, AGroupMayGrow) {
  const MemoryPlan plan = plan_and_validate({{25, 0, 1}, {100, 1, 2, 0}, {60, 0, 0}});
  EXPECT_EQ(plan.arena_bytes, 100);
}

TEST(MemoryPlanner, OffsetsAreAligned) {
  const MemoryPlan plan = plan_and_validate({{5, 0, 0}, {6, 0, 0}, {7, 0, 0}}, {.alignment = 16});
  EXPECT_EQ(plan.arena_bytes, 48);
  for (std::int64_t offset : plan.offsets) EXPECT_EQ(offset % 16, 0);
}

TEST(MemoryPlanner, FindsTheOptimumWhereGreedyFails) {
  RandomStream random(7);
  int beaten = 0;
  for (int trial = 0; trial < 3000; ++trial) {
    const auto requests = make_random_requests({.buffers = 9, .steps = 7, .max_size = 9}, random);
    const MemoryPlan greedy = plan_memory(requests, {.alignment = 1, .max_branches = 0});
    const MemoryPlan exact = plan_and_validate(requests);
    EXPECT_TRUE(exact.is_optimal);
    EXPECT_LE(exact.arena_bytes, greedy.arena_bytes);
    beaten += exact.arena_bytes < greedy.arena_bytes ? 1 : 0;
  }
  // Without such cases this test would say nothing.
  EXPECT_GT(beaten, 10);
}

TEST(MemoryPlanner, MayBeAsGreedyAsOthers) {
  // The 6 bytes go first, to 0; of the two of 4 the later one, on top of them; the other one meets both.
  const std::vector<BufferRequest> requests = {{4, 0, 1}, {6, 0, 0}, {4, 0, 1}, {3, 1, 1}};
  const MemoryPlan plan = plan_and_validate(requests, {.alignment = 1, .is_greedy = true});
  EXPECT_EQ(plan.offsets, (std::vector<std::int64_t>{10, 0, 6, 0}));
  EXPECT_EQ(plan.arena_bytes, 14);
  EXPECT_TRUE(plan.is_optimal) << "by luck";
  RandomStream random(7);
  int above = 0;
  for (int trial = 0; trial < 500; ++trial) {
    const auto some = make_random_requests({.buffers = 9, .steps = 7, .max_size = 9}, random);
    const MemoryPlan greedy = plan_and_validate(some, {.alignment = 1, .is_greedy = true});
    const MemoryPlan exact = plan_and_validate(some);
    EXPECT_GE(greedy.arena_bytes, exact.arena_bytes);
    EXPECT_EQ(greedy.lower_bound_bytes, exact.lower_bound_bytes);
    above += greedy.arena_bytes > exact.arena_bytes ? 1 : 0;
  }
  EXPECT_GT(above, 10);
}

TEST(MemoryPlanner, AgreesWithBruteForce) {
  RandomStream random(1);
  int above_bound = 0;
  for (int trial = 0; trial < 2000; ++trial) {
    const auto requests = make_random_requests({.buffers = 6, .steps = 5, .max_size = 4}, random);
    const MemoryPlan plan = plan_and_validate(requests);
    ASSERT_EQ(plan.arena_bytes, BruteForce(requests).least_arena()) << "trial " << trial;
    EXPECT_TRUE(plan.is_optimal);
    above_bound += plan.arena_bytes > plan.lower_bound_bytes ? 1 : 0;
  }
  EXPECT_GT(above_bound, 0) << "no case has an optimum above the bound";
}

TEST(MemoryPlanner, LargeRandomProblemsAreValidAndNearTheBound) {
  RandomStream random(3);
  double bounds = 0;
  double arenas = 0;
  for (int trial = 0; trial < 200; ++trial) {
    const auto requests =
        make_random_requests({.buffers = 60, .steps = 40, .max_size = 1000}, random);
    const MemoryPlan plan = plan_and_validate(requests, {.alignment = 4, .max_branches = 2000});
    EXPECT_GE(plan.arena_bytes, plan.lower_bound_bytes);
    bounds += static_cast<double>(plan.lower_bound_bytes);
    arenas += static_cast<double>(plan.arena_bytes);
  }
  RecordProperty("gap_percent", std::to_string(100 * (arenas / bounds - 1)));
  EXPECT_LT(arenas / bounds, 1.12);
}

TEST(MemoryPlanner, APlannerCanBeUsedAgain) {
  MemoryPlanner planner;
  const std::vector<BufferRequest> large = {{100, 0, 3}, {50, 1, 2}, {20, 2, 3}};
  const std::vector<BufferRequest> small = {{4, 0, 0}};
  const std::int64_t first = planner.plan(large, kBytes).arena_bytes;
  EXPECT_EQ(planner.plan(small, kBytes).arena_bytes, 4);
  EXPECT_EQ(planner.plan(large, kBytes).arena_bytes, first);
}

TEST(MemoryPlanner, TellsTheBytesAlive) {
  MemoryPlanner planner;
  const std::vector<BufferRequest> requests = {{100, 0, 1}, {25, 1, 2, 0}, {60, 2, 3}};
  planner.plan(requests, kBytes);
  EXPECT_THAT(planner.live_bytes(), testing::ElementsAre(100, 100, 85, 60));
}

TEST(MemoryPlanner, RefusesMalformedRequests) {
  const auto message_of = [](const std::vector<BufferRequest>& requests, PlannerOptions options) {
    try {
      plan_memory(requests, options);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_THAT(message_of({{-1, 0, 0}}, kBytes), HasSubstr("buffer 0: has a size of -1"));
  EXPECT_THAT(message_of({{0, 0, 0}}, kBytes), HasSubstr("buffer 0: has a size of 0"));
  EXPECT_THAT(message_of({{1, 2, 1}}, kBytes), HasSubstr("lives from step 2 to step 1"));
  EXPECT_THAT(message_of({{1, -1, 1}}, kBytes), HasSubstr("lives from step -1"));
  EXPECT_THAT(message_of({{1, 0, 1}, {1, 2, 2, 0}}, kBytes), HasSubstr("does not end at step 2"));
  EXPECT_THAT(message_of({{1, 0, 1, 0}}, kBytes), HasSubstr("is in place of buffer 0"));
  EXPECT_THAT(message_of({{1, 0, 1}, {1, 1, 1, 0}, {1, 1, 1, 0}}, kBytes),
              HasSubstr("another one has taken over"));
  EXPECT_THAT(message_of({{1, 0, 1}, {1, 1, 1, 0}, {1, 1, 2, 1}}, kBytes),
              HasSubstr("in the step in which that one took over another"));
  EXPECT_THAT(message_of({{1, 0, 1}}, {.alignment = 3}), HasSubstr("no power of two"));
}

}  // namespace
}  // namespace mcunet::engine
