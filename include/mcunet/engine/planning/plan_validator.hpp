#pragma once

#include <span>
#include <string>
#include <vector>

#include "mcunet/engine/planning/memory_planner.hpp"

namespace mcunet::engine {

// A rule that a plan breaks, in words: "buffers 3 and 5 share bytes 128..255 in step 7".
struct PlanViolation {
  std::string message;
};

// Checks a plan against its requests alone, with nothing of the planner's code: every buffer lies
// inside the arena, at a multiple of `alignment`; two buffers alive in the same step share no byte, except that a buffer may
// share the step of the transition with the one that it is in place of; and then both have the same
// offset.
[[nodiscard]] std::vector<PlanViolation> validate_plan(std::span<const BufferRequest> requests,
                                                       const MemoryPlan& plan,
                                                       std::int64_t alignment);

}  // namespace mcunet::engine
