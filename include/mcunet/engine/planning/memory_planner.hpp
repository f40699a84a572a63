#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "mcunet/engine/graph/graph.hpp"

// Places buffers with known lifetimes in one arena, as low as can be. The planner knows neither
// graphs nor operators; memory_requests.hpp turns a schedule into requests.
namespace mcunet::engine {

// Memory for `size_bytes` over the steps first_step..last_step, both included. A request in place
// of an earlier one takes over its offset at the step in which that one ends.
struct BufferRequest {
  std::int64_t size_bytes = 0;
  std::int32_t first_step = 0;
  std::int32_t last_step = 0;
  std::int32_t in_place_of = kNoId;  // index of an earlier request
  // More, in its last step only; which is not the one in which it takes over another.
  std::int64_t growth_bytes = 0;
};

struct PlannerOptions {
  std::int64_t alignment = 4;  // of offsets, in bytes; a power of two
  // Branches that the exact search may visit before it gives up its proof.
  std::int64_t max_branches = 200'000;
  // Stop after the largest first, of equal ones the last; as other planners do.
  bool is_greedy = false;
};

struct MemoryPlan {
  std::vector<std::int64_t> offsets;  // per request, in bytes
  std::int64_t arena_bytes = 0;
  // No plan can need less: the largest sum, over the steps, of what is alive.
  std::int64_t lower_bound_bytes = 0;
  bool is_optimal = false;  // proven: at the lower bound, or by exhaustive search
};

// Plans one set of requests after another, keeping its working memory in between. Not thread-safe.
//
// 1. Requests in place of each other form one *group*: a staircase over time with one offset.
// 2. Greedy: the largest group first, each at the lowest offset that is free over its lifetime.
// 3. If the result exceeds the lower bound: a second greedy order, then branch and bound
//    (branch_and_bound.hpp) for the optimum.
class MemoryPlanner {
 public:
  MemoryPlanner();
  ~MemoryPlanner();
  MemoryPlanner(MemoryPlanner&&) noexcept;
  MemoryPlanner& operator=(MemoryPlanner&&) noexcept;

  // Throws Error if a request is malformed (no size, lifetime that ends before it begins, in
  // place of a request that does not end where this one begins).
  const MemoryPlan& plan(std::span<const BufferRequest> requests, const PlannerOptions& options);

  // Bytes alive per step, after plan().
  std::span<const std::int64_t> live_bytes() const;

 private:
  struct Workspace;
  std::unique_ptr<Workspace> workspace_;
  MemoryPlan plan_;
};

MemoryPlan plan_memory(std::span<const BufferRequest> requests, const PlannerOptions& options = {});

}  // namespace mcunet::engine
