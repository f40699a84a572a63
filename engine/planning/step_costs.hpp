#pragma once

#include <cstdint>

#include "mcunet/engine/planning/streaming_schedule.hpp"

// What a step of a streaming schedule takes: bytes, and instructions beside those of its operators. Both are said
// in public by streaming_schedule.hpp; here is how a step becomes as cheap as its memory allows.
namespace mcunet::engine {

// The planner's alignment.
inline std::int64_t aligned(std::int64_t bytes) { return (bytes + 3) & ~std::int64_t{3}; }

// The schedule of operators that are steps of their own. What follows its input through memory is not decided there.
inline ScheduleOptions one_by_one(ScheduleOptions options) {
  options.streams = options.pulls_input = options.in_place_narrowing = false;
  return options;
}

// Gives the step the height of bands, and the scratch, that cost the least within the limit, and tells the cost:
// infinite if nothing is within it.
double choose_bands(const Graph& graph, const ScheduleOptions& options, std::int64_t limit,
                    Step& step);

}  // namespace mcunet::engine
