#include "mcunet/engine/memory_planner.hpp"

#include <algorithm>
#include <numeric>

#include "branch_and_bound.hpp"
#include "buffer_groups.hpp"
#include "mcunet/core/error.hpp"

namespace mcunet::engine {

struct MemoryPlanner::Workspace {
  BufferGroups groups;
  std::vector<int> order;
  std::vector<int> placed;
  std::vector<std::int64_t> offsets;  // per group
  std::vector<std::int64_t> best_offsets;

  // Places the groups one after another as `order` says, each as low as it fits; returns the height.
  std::int64_t place_in_order() {
    std::int64_t height = 0;
    placed.clear();
    for (int group : order) {
      offsets[group] = lowest_free_offset(groups, group, placed, offsets);
      placed.push_back(group);
      height = std::max(height, offsets[group] + groups.groups[group].bytes);
    }
    return height;
  }

  template <typename Key>
  void order_by(Key key) {
    order.resize(groups.groups.size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(),
              [&](int a, int b) { return std::pair(key(a), a) < std::pair(key(b), b); });
  }
};

MemoryPlanner::MemoryPlanner() : workspace_(std::make_unique<Workspace>()) {}
MemoryPlanner::~MemoryPlanner() = default;
MemoryPlanner::MemoryPlanner(MemoryPlanner&&) noexcept = default;
MemoryPlanner& MemoryPlanner::operator=(MemoryPlanner&&) noexcept = default;

const MemoryPlan& MemoryPlanner::plan(std::span<const BufferRequest> requests,
                                      const PlannerOptions& options) {
  if (options.alignment < 1) throw Error("an alignment of {} bytes", options.alignment);
  Workspace& w = *workspace_;
  group_requests(requests, options.alignment, w.groups);
  const std::vector<std::int64_t>& live = w.groups.live_bytes;
  const std::int64_t bound = live.empty() ? 0 : *std::max_element(live.begin(), live.end());
  w.offsets.resize(w.groups.groups.size());

  w.order_by([&](int g) { return -w.groups.groups[g].bytes; });
  std::int64_t height = w.place_in_order();
  bool is_optimal = height == bound;
  if (!is_optimal) {
    w.best_offsets = w.offsets;
    w.order_by([&](int g) {
      const BufferGroups::Group& group = w.groups.groups[g];
      return -group.bytes * (group.last_step - group.first_step + 1);
    });
    const std::int64_t other_height = w.place_in_order();
    if (other_height < height) {
      height = other_height;
    } else {
      w.offsets = w.best_offsets;
    }
    is_optimal = height == bound;
  }
  if (!is_optimal) {
    is_optimal = improve_by_branch_and_bound(w.groups, options.alignment, bound,
                                             options.max_branches, w.offsets, height);
  }

  plan_.offsets.resize(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    plan_.offsets[i] = w.offsets[w.groups.group_of[i]];
  }
  plan_.arena_bytes = height;
  plan_.lower_bound_bytes = bound;
  plan_.is_optimal = is_optimal;
  return plan_;
}

std::span<const std::int64_t> MemoryPlanner::live_bytes() const {
  return workspace_->groups.live_bytes;
}

MemoryPlan plan_memory(std::span<const BufferRequest> requests, const PlannerOptions& options) {
  return MemoryPlanner().plan(requests, options);
}

}  // namespace mcunet::engine
