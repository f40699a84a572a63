#include "mcunet/engine/planning/plan_validator.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace mcunet::engine {
namespace {

// Where the buffer ends over the steps up to `last`.
std::int64_t end_of(const BufferRequest& request, std::int64_t begin, std::int32_t last) {
  return begin + request.size_bytes + (last == request.last_step ? request.growth_bytes : 0);
}

bool is_transition(std::span<const BufferRequest> requests, std::size_t from, std::size_t to,
                   std::int32_t first, std::int32_t last) {
  return requests[to].in_place_of == static_cast<std::int32_t>(from) && first == last &&
         requests[from].last_step == first && requests[to].first_step == first;
}

}  // namespace

std::vector<PlanViolation> validate_plan(std::span<const BufferRequest> requests,
                                         const MemoryPlan& plan, std::int64_t alignment) {
  std::vector<PlanViolation> violations;
  const auto report = [&](std::string message) { violations.push_back({std::move(message)}); };
  if (plan.offsets.size() != requests.size()) {
    report(fmt::format("the plan places {} buffers of {}", plan.offsets.size(), requests.size()));
    return violations;
  }
  for (std::size_t b = 0; b < requests.size(); ++b) {
    const std::int64_t second_begin = plan.offsets[b];
    const std::int64_t second_end = end_of(requests[b], second_begin, requests[b].last_step);
    if (second_begin < 0 || second_end > plan.arena_bytes) {
      report(fmt::format("buffer {} at bytes {}..{} leaves the arena of {} bytes", b, second_begin,
                         second_end - 1, plan.arena_bytes));
    }
    if (second_begin % alignment != 0) {
      report(fmt::format("buffer {} at byte {} is not aligned to {} bytes", b, second_begin,
                         alignment));
    }
    const std::int32_t source = requests[b].in_place_of;
    if (source != kNoId && plan.offsets[source] != second_begin) {
      report(fmt::format("buffer {} is in place of buffer {}, but at byte {} instead of {}", b,
                         source, second_begin, plan.offsets[source]));
    }
    for (std::size_t a = 0; a < b; ++a) {
      const std::int32_t from = std::max(requests[a].first_step, requests[b].first_step);
      const std::int32_t to = std::min(requests[a].last_step, requests[b].last_step);
      const std::int64_t begin = std::max(plan.offsets[a], second_begin);
      const std::int64_t end =
          std::min(end_of(requests[a], plan.offsets[a], to), end_of(requests[b], second_begin, to));
      if (from > to || begin >= end) continue;
      if (is_transition(requests, a, b, from, to) || is_transition(requests, b, a, from, to)) {
        continue;
      }
      report(fmt::format("buffers {} and {} share bytes {}..{} in step {}", a, b, begin, end - 1,
                         from));
    }
  }
  return violations;
}

}  // namespace mcunet::engine
