#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mcunet/engine/graph/graph.hpp"
#include "mcunet/engine/planning/memory_planner.hpp"
#include "mcunet/engine/planning/memory_requests.hpp"
#include "mcunet/engine/planning/schedule.hpp"

// The arena of a network that is compiled: tensors, kernel scratch, and what inputs are prepared in.
// Networks are chosen by the least that they need (resources.hpp); what a device has beyond that can
// make their kernels faster.
namespace mcunet::engine {

// What kernels have beyond the scratch that they work with at least (paper, equation 2: as many
// columns as fit).
enum class ScratchGrowth {
  kNone,
  kWithinArena,   // what the least plan leaves free in their step
  kWithinBudget,  // and the arena grows, as far as its budget allows
};

// As users know it: "fastest" within the budget, else "least" memory.
std::string_view name_of(ScratchGrowth growth);

struct ArenaOptions {
  ScratchGrowth growth = ScratchGrowth::kWithinBudget;
  std::optional<std::int64_t> budget_bytes;  // that it may grow to; absent: it does not grow
  std::vector<std::int64_t> staging_bytes;   // see with_staging()
};

// What a convolution saves by each multiply-accumulate that it does on four columns instead of one.
inline constexpr double kInstructionsSavedPerMac = 0.51;

// What a larger arena bought.
struct ScratchGain {
  std::int64_t bytes = 0;         // beyond the least arena
  std::int32_t four_columns = 0;  // convolutions that work on four columns instead of one
  std::int32_t whole_planes = 0;  // depthwise ones that hold all rows instead of a window's
  double saved_instructions = 0;  // of an inference, on a core with the DSP extension; an estimate
};

// The layers that it made faster: "1 convolution works on four columns instead of one, …". Empty if
// there are none.
std::string describe(const ScratchGain& gain);

struct Arena {
  MemoryRequests requests;
  // Of the requests; lower bound and proof are those of the least scratch.
  MemoryPlan plan;
  std::vector<std::int64_t> staging_offsets;  // as ArenaOptions::staging_bytes
  ScratchGain gain;
};

// Plans the arena with the least scratch, which then grows as the options have it: where the budget
// does not allow for all, the layers that gain most come first. No arena beyond the budget comes of
// that; one that is beyond it with the least scratch stays as it is. The plan has passed
// validate_plan.
Arena plan_arena(const Graph& graph, const Schedule& schedule, const ArenaOptions& options);

}  // namespace mcunet::engine
