#include "mcunet/engine/planning/memory_planner.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <limits>

#include "mcunet/core/error.hpp"
#include "planning/branch_and_bound.hpp"
#include "planning/buffer_groups.hpp"

namespace mcunet::engine {

namespace {

constexpr std::int64_t kMaxGroups = 1 << 16;

}  // namespace

struct MemoryPlanner::Workspace {
  BufferGroups groups;
  FirstFit first_fit;
  std::vector<std::int64_t> order;    // key and group, in one number
  std::vector<std::int64_t> offsets;  // per group: of the best plan so far

  // First fit in the order of rising keys; keeps the result if it is lower than `height`.
  template <typename Key>
  void place_in_order(Key key, std::int64_t& height) {
    order.clear();
    for (int group = 0; group < groups.size(); ++group) {
      order.push_back(key(group) * kMaxGroups + group);
    }
    std::sort(order.begin(), order.end());
    place_ordered(height);
  }

  void place_last_of_largest_first(std::int64_t& height) {
    order.clear();
    for (int group = 0; group < groups.size(); ++group) {
      order.push_back(groups.groups[group].bytes * kMaxGroups + group);
    }
    std::sort(order.begin(), order.end(), std::greater<>());
    place_ordered(height);
  }

  void place_ordered(std::int64_t& height) {
    first_fit.reset(groups);
    for (std::int64_t entry : order) first_fit.place(static_cast<int>(entry & (kMaxGroups - 1)));
    if (first_fit.height() >= height) return;
    height = first_fit.height();
    offsets = first_fit.offsets();
  }
};

MemoryPlanner::MemoryPlanner() : workspace_(std::make_unique<Workspace>()) {}
MemoryPlanner::~MemoryPlanner() = default;
MemoryPlanner::MemoryPlanner(MemoryPlanner&&) noexcept = default;
MemoryPlanner& MemoryPlanner::operator=(MemoryPlanner&&) noexcept = default;

const MemoryPlan& MemoryPlanner::plan(std::span<const BufferRequest> requests,
                                      const PlannerOptions& options) {
  if (!std::has_single_bit(static_cast<std::uint64_t>(options.alignment))) {
    throw Error("an alignment of {} bytes is no power of two", options.alignment);
  }
  Workspace& w = *workspace_;
  group_requests(requests, options.alignment, w.groups);
  const std::vector<std::int64_t>& live = w.groups.live_bytes;
  if (w.groups.size() > kMaxGroups) throw Error("more than {} buffers to plan", kMaxGroups);
  const std::int64_t bound = live.empty() ? 0 : *std::max_element(live.begin(), live.end());

  std::int64_t height = std::numeric_limits<std::int64_t>::max();
  if (options.is_greedy) {
    w.place_last_of_largest_first(height);
  } else {
    w.place_in_order([&](int g) { return -w.groups.groups[g].bytes; }, height);
  }
  if (height > bound && !options.is_greedy) {
    const auto area = [&](int g) {
      const BufferGroups::Group& group = w.groups.groups[g];
      return group.bytes * std::min(group.last_step - group.first_step + 1, 1 << 14);
    };
    w.place_in_order([&](int g) { return -area(g); }, height);
  }
  bool is_optimal = height == bound;
  if (!is_optimal && !options.is_greedy) {
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
