#include "mcunet/engine/planning/plan_validator.hpp"

#include <gmock/gmock.h>

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

}  // namespace
}  // namespace mcunet::engine
