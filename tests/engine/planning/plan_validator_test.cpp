#include "mcunet/engine/planning/plan_validator.hpp"

#include <gmock/gmock.h>

#include "mcunet/engine/planning/arena.hpp"
#include "mcunet/engine/planning/row_bands.hpp"
#include "memory_simulation.hpp"
#include "random_chain.hpp"

namespace mcunet::engine {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

auto says(const std::string& text) { return Field(&PlanViolation::message, HasSubstr(text)); }

MemoryPlan plan_of(std::vector<std::int64_t> offsets, std::int64_t arena_bytes) {
  return {.offsets = std::move(offsets), .arena_bytes = arena_bytes};
}

const std::vector<BufferRequest> kTwo = {{10, 0, 2}, {6, 2, 3}};

TEST(PlanValidator, AcceptsAGoodPlan) {
  EXPECT_THAT(validate_plan(kTwo, plan_of({0, 10}, 16), 1), IsEmpty());
  EXPECT_THAT(validate_plan(kTwo, plan_of({6, 0}, 16), 1), IsEmpty());
}

TEST(PlanValidator, NamesTheBuffersThatOverlap) {
  EXPECT_THAT(validate_plan(kTwo, plan_of({0, 9}, 16), 1),
              ElementsAre(says("buffers 0 and 1 share bytes 9..9 in step 2")));
}

TEST(PlanValidator, BuffersOfDifferentStepsMayOverlap) {
  const std::vector<BufferRequest> requests = {{10, 0, 1}, {6, 2, 3}};
  EXPECT_THAT(validate_plan(requests, plan_of({0, 0}, 10), 1), IsEmpty());
}

TEST(PlanValidator, SeesBuffersOutsideTheArena) {
  EXPECT_THAT(validate_plan(kTwo, plan_of({0, 10}, 15), 1), ElementsAre(says("leaves the arena")));
  EXPECT_THAT(validate_plan(kTwo, plan_of({0, -6}, 16), 1), ElementsAre(says("leaves the arena")));
}

TEST(PlanValidator, SeesMissingOffsets) {
  EXPECT_THAT(validate_plan(kTwo, plan_of({0}, 16), 1), ElementsAre(says("places 1 buffers of 2")));
}

TEST(PlanValidator, InPlaceNeedsTheSameOffset) {
  const std::vector<BufferRequest> requests = {{10, 0, 1}, {6, 1, 2, 0}};
  EXPECT_THAT(validate_plan(requests, plan_of({0, 0}, 10), 1), IsEmpty());
  EXPECT_THAT(validate_plan(requests, plan_of({0, 10}, 16), 1),
              ElementsAre(says("is in place of buffer 0, but at byte 10 instead of 0")));
}

TEST(PlanValidator, InPlaceMayShareOnlyTheStepOfTheTransition) {
  // The first buffer lives on although another has taken it over.
  const std::vector<BufferRequest> requests = {{10, 0, 2}, {6, 1, 2, 0}};
  EXPECT_THAT(validate_plan(requests, plan_of({0, 0}, 10), 1),
              ElementsAre(says("share bytes 0..5 in step 1")));
}

TEST(PlanValidator, ChecksAlignment) {
  EXPECT_THAT(validate_plan(kTwo, plan_of({8, 0}, 18), 8), IsEmpty());
  EXPECT_THAT(validate_plan(kTwo, plan_of({6, 0}, 16), 4),
              ElementsAre(says("buffer 0 at byte 6 is not aligned to 4 bytes")));
}

// Whatever passes can be played through, steps in bands and outputs that follow their inputs included; and
// plans with a buffer elsewhere, of which most cannot, show that playing them tells.
TEST(PlanValidator, WhatItPassesHoldsEveryByteUntilItIsRead) {
  RandomStream random(23);
  int bands = 0;
  int overlaps = 0;
  int pulls = 0;
  int by_channel = 0;
  int by_pixel = 0;
  int passed = 0;
  int broken = 0;
  for (int trial = 0; trial < 120; ++trial) {
    const Graph graph = RandomChain(random).make(9);
    std::vector<Step> steps = random_steps(graph, random);
    if (random.index(2) == 0 && can_pull(graph, steps.front())) {
      steps.front().pulls_input = true;
      steps.front().overlaps =
          steps.front().overlaps && find_overlap(graph, steps.front()).input != kNoId;
      ++pulls;
    }
    for (const Step& step : steps) {
      bands += step.op_count > 1 ? 1 : 0;
      overlaps += step.overlaps ? 1 : 0;
      if (!step.is_in_bands()) continue;
      for (const BandStage& stage : plan_row_bands(graph, step).stages) {
        by_channel += stage.reuse == RowReuse::kByChannel ? 1 : 0;
        by_pixel += stage.reuse == RowReuse::kByPixel ? 1 : 0;
      }
    }
    const Schedule schedule = make_schedule(graph, steps, {});
    const auto growth = random.index(2) == 0 ? ScratchGrowth::kNone : ScratchGrowth::kWithinArena;
    const Arena arena = plan_arena(graph, schedule, {.growth = growth});
    const auto play = [&](const MemoryPlan& plan) {
      return MemorySimulation(graph, schedule, arena.requests, plan).run();
    };
    ASSERT_THAT(validate_plan(arena.requests.buffers, arena.plan, 4), IsEmpty());
    ASSERT_EQ(play(arena.plan), "") << "trial " << trial;
    for (int change = 0; change < 12; ++change) {
      MemoryPlan other = arena.plan;
      const auto words = static_cast<std::uint32_t>(other.arena_bytes / 4 + 1);
      const auto buffers = static_cast<std::uint32_t>(other.offsets.size());
      other.offsets[random.index(buffers)] = 4 * std::int64_t{random.index(words)};
      const std::string error = play(other);
      const bool passes = validate_plan(arena.requests.buffers, other, 4).empty();
      ASSERT_TRUE(error.empty() || !passes) << "trial " << trial << ": " << error;
      passed += passes ? 1 : 0;
      broken += error.empty() ? 0 : 1;
    }
  }
  EXPECT_GT(bands, 150);
  EXPECT_GT(overlaps, 50);
  EXPECT_GT(pulls, 20);
  EXPECT_GT(by_channel, 10);
  EXPECT_GT(by_pixel, 20);
  EXPECT_GT(passed, 100);
  EXPECT_GT(broken, 500);
}

}  // namespace
}  // namespace mcunet::engine
