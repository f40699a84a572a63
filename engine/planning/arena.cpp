#include "mcunet/engine/planning/arena.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/planning/plan_validator.hpp"
#include "planning/kernel_scratch.hpp"

namespace mcunet::engine {
namespace {

// A step whose kernel is faster with more scratch.
struct Wish {
  std::int32_t step = 0;
  std::int64_t bytes = 0;
  FasterWay way = FasterWay::kNone;
  double saved_instructions = 0;
};

// Those that gain most first.
std::vector<Wish> wishes_of(const Graph& graph, const Schedule& schedule) {
  std::vector<Wish> wishes;
  for (std::size_t index = 0; index < schedule.steps.size(); ++index) {
    if (schedule.steps[index].is_in_bands()) continue;  // bands are as high as they should be
    Wish wish{.step = static_cast<std::int32_t>(index)};
    for (const Op& op : ops_of(graph, schedule.steps[index])) {
      wish.bytes = std::max(wish.bytes, fastest_scratch_bytes(graph, op));
      wish.saved_instructions += saved_instructions(graph, op);
      if (wish.way == FasterWay::kNone) wish.way = faster_way(graph, op);
    }
    if (wish.way != FasterWay::kNone) wishes.push_back(wish);
  }
  std::stable_sort(wishes.begin(), wishes.end(), [](const Wish& a, const Wish& b) {
    return a.saved_instructions > b.saved_instructions;
  });
  return wishes;
}

bool is_granted(const MemoryRequests& requests, const Wish& wish) {
  return requests.step_scratch_bytes[wish.step] >= wish.bytes;
}

struct Stretch {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

// The largest stretch of the arena in which nothing but `own` is alive in a step.
Stretch largest_free_stretch(const Arena& arena, std::int32_t step, std::int32_t own,
                             std::int64_t alignment) {
  std::vector<Stretch> taken;
  for (std::size_t i = 0; i < arena.requests.buffers.size(); ++i) {
    const BufferRequest& buffer = arena.requests.buffers[i];
    if (static_cast<std::int32_t>(i) == own || step < buffer.first_step ||
        step > buffer.last_step) {
      continue;
    }
    const std::int64_t begin = arena.plan.offsets[i];
    const std::int64_t growth = step == buffer.last_step ? buffer.growth_bytes : 0;
    const std::int64_t end = begin + buffer.size_bytes + growth;
    taken.push_back({begin, (end + alignment - 1) / alignment * alignment});
  }
  std::sort(taken.begin(), taken.end(),
            [](const Stretch& a, const Stretch& b) { return a.begin < b.begin; });
  taken.push_back({arena.plan.arena_bytes, arena.plan.arena_bytes});
  Stretch best;
  std::int64_t end = 0;
  for (const Stretch& next : taken) {
    if (next.begin - end > best.end - best.begin) best = {end, next.begin};
    end = std::max(end, next.end);
  }
  return best;
}

class ArenaPlanner {
 public:
  ArenaPlanner(const Graph& graph, const Schedule& schedule, const ArenaOptions& options)
      : graph_(graph), schedule_(schedule), options_(options) {
    if (!options.staging_bytes.empty()) planner_options_.alignment = kStagingAlignment;
  }

  // With the scratch of the wishes, and the least for all other steps.
  Arena plan(const std::vector<Wish>& wishes) {
    Arena arena;
    request_memory(graph_, schedule_, ScratchPolicy::kOwn, arena.requests);
    for (const Wish& wish : wishes) set_scratch(arena.requests, wish.step, wish.bytes);
    arena.plan = planner_.plan(buffers_of(arena.requests), planner_options_);
    if (options_.growth != ScratchGrowth::kNone) grow_scratch(arena);
    return arena;
  }

  void validate(const Arena& arena) const {
    for (const PlanViolation& violation :
         validate_plan(buffers_of(arena.requests), arena.plan, planner_options_.alignment)) {
      throw Error("the planner made an invalid plan: {}", violation.message);
    }
  }

 private:
  static void set_scratch(MemoryRequests& requests, std::int32_t step, std::int64_t bytes) {
    requests.buffers[requests.step_scratch_buffer[step]].size_bytes = bytes;
    requests.step_scratch_bytes[step] = bytes;
  }

  std::vector<BufferRequest> buffers_of(const MemoryRequests& requests) const {
    return options_.staging_bytes.empty() ? requests.buffers
                                          : with_staging(graph_, requests, options_.staging_bytes);
  }

  // Lets the scratch of each step have what the plan leaves free in that step, up to what makes its
  // kernel faster. The arena stays as it is.
  void grow_scratch(Arena& arena) const {
    for (std::size_t index = 0; index < schedule_.steps.size(); ++index) {
      const std::int32_t buffer = arena.requests.step_scratch_buffer[index];
      if (buffer == kNoId) continue;
      const std::int64_t most = fastest_scratch_bytes(graph_, schedule_.steps[index]);
      const auto step = static_cast<std::int32_t>(index);
      const Stretch free = largest_free_stretch(arena, step, buffer, planner_options_.alignment);
      const std::int64_t bytes = std::min(most, free.end - free.begin);
      if (bytes <= arena.requests.buffers[buffer].size_bytes) continue;
      set_scratch(arena.requests, step, bytes);
      arena.plan.offsets[buffer] = free.begin;
    }
  }

  const Graph& graph_;
  const Schedule& schedule_;
  const ArenaOptions& options_;
  PlannerOptions planner_options_;
  MemoryPlanner planner_;
};

// Grants one wish after another as long as the arena stays within the budget. What was granted, or
// came for nothing, is kept.
Arena grow_arena(const Arena& least, const std::vector<Wish>& wishes, std::int64_t budget_bytes,
                 ArenaPlanner& planner) {
  Arena arena = least;
  for (const Wish& wish : wishes) {
    if (is_granted(arena.requests, wish)) continue;
    std::vector<Wish> wanted = {wish};
    for (const Wish& other : wishes) {
      if (is_granted(arena.requests, other)) wanted.push_back(other);
    }
    Arena larger = planner.plan(wanted);
    if (larger.plan.arena_bytes <= budget_bytes) arena = std::move(larger);
  }
  arena.plan.lower_bound_bytes = least.plan.lower_bound_bytes;
  arena.plan.is_optimal = least.plan.is_optimal;
  return arena;
}

ScratchGain gain_of(const Arena& arena, const Arena& least, const std::vector<Wish>& wishes) {
  ScratchGain gain{.bytes = arena.plan.arena_bytes - least.plan.arena_bytes};
  for (const Wish& wish : wishes) {
    if (is_granted(least.requests, wish) || !is_granted(arena.requests, wish)) continue;
    ++(wish.way == FasterWay::kFourColumns ? gain.four_columns : gain.whole_planes);
    gain.saved_instructions += wish.saved_instructions;
  }
  return gain;
}

}  // namespace

std::string_view name_of(ScratchGrowth growth) {
  return growth == ScratchGrowth::kWithinBudget ? "fastest" : "least";
}

std::string describe(const ScratchGain& gain) {
  std::vector<std::string> layers;
  const auto add = [&](std::int32_t count, const char* kind, const char* with,
                       const char* without) {
    if (count == 0) return;
    layers.push_back(fmt::format("{} {}{} {} {} instead of {}", count, kind, count == 1 ? "" : "s",
                                 count == 1 ? "works" : "work", with, without));
  };
  add(gain.four_columns, "convolution", "on four columns", "one");
  add(gain.whole_planes, "depthwise convolution", "on whole planes", "a few rows");
  return fmt::format("{}", fmt::join(layers, ", "));
}

Arena plan_arena(const Graph& graph, const Schedule& schedule, const ArenaOptions& options) {
  ArenaPlanner planner(graph, schedule, options);
  const Arena least = planner.plan({});
  Arena arena = least;
  if (options.growth == ScratchGrowth::kWithinBudget && options.budget_bytes) {
    const std::vector<Wish> wishes = wishes_of(graph, schedule);
    arena = grow_arena(least, wishes, *options.budget_bytes, planner);
    arena.gain = gain_of(arena, least, wishes);
  }
  planner.validate(arena);
  const auto end =
      arena.plan.offsets.begin() + static_cast<std::ptrdiff_t>(arena.requests.buffers.size());
  arena.staging_offsets.assign(end, arena.plan.offsets.end());
  arena.plan.offsets.erase(end, arena.plan.offsets.end());
  return arena;
}

}  // namespace mcunet::engine
