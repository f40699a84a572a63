#include "planning/branch_and_bound.hpp"

#include <algorithm>
#include <limits>

namespace mcunet::engine {
namespace {

// Step 1. Returns the groups set aside, in that order; `remains` tells which are left.
std::vector<int> set_aside_easy_groups(const BufferGroups& groups, std::int64_t alignment,
                                       std::int64_t lower_bound, std::vector<bool>& remains) {
  remains.assign(groups.groups.size(), true);
  std::vector<int> set_aside;
  const auto is_easy = [&](int group) {
    std::int64_t free = (lower_bound - groups.groups[group].bytes) / alignment + 1;
    for (int other = 0; other < groups.size() && free > 0; ++other) {
      if (other == group || !remains[other] || !groups.overlap_in_time(group, other)) continue;
      const Clearance apart = clearance(groups, other, group);
      free -= (apart.above + apart.below) / alignment - 1;
    }
    return free > 0;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (int group = 0; group < groups.size(); ++group) {
      if (!remains[group] || !is_easy(group)) continue;
      remains[group] = false;
      set_aside.push_back(group);
      changed = true;
    }
  }
  return set_aside;
}

// Step 2. In order of time, a component ends where all of its groups have ended.
std::vector<std::vector<int>> split_into_components(const BufferGroups& groups,
                                                    const std::vector<bool>& remains) {
  std::vector<int> order;
  for (int group = 0; group < groups.size(); ++group) {
    if (remains[group]) order.push_back(group);
  }
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return groups.groups[a].first_step < groups.groups[b].first_step;
  });
  std::vector<std::vector<int>> components;
  std::int32_t end = -1;
  for (int group : order) {
    if (groups.groups[group].first_step > end) components.emplace_back();
    components.back().push_back(group);
    end = std::max(end, groups.groups[group].last_step);
  }
  return components;
}

// Step 3, for one component.
class ComponentSearch {
 public:
  ComponentSearch(const BufferGroups& groups, const std::vector<int>& members,
                  std::int64_t lower_bound, std::int64_t& branches_left)
      : groups_(groups),
        members_(members),
        lower_bound_(lower_bound),
        branches_left_(branches_left) {
    first_step_ = groups.groups[members.front()].first_step;
    std::int32_t last_step = first_step_;
    for (int group : members) last_step = std::max(last_step, groups.groups[group].last_step);
    floor_.assign(static_cast<std::size_t>(last_step - first_step_) + 1, 0);
    unplaced_bytes_.assign(floor_.size(), 0);
    for (int group : members) {
      groups.for_each_step(group, [&](std::int32_t step, std::int64_t bytes) {
        unplaced_bytes_[step - first_step_] += bytes;
      });
    }
    is_placed_.assign(members.size(), false);
    current_.assign(members.size(), 0);
  }

  // Improves on `best` (offsets per group) and `height`, which must be feasible; returns whether
  // the result is proven optimal.
  bool run(std::vector<std::int64_t>& best, std::int64_t& height) {
    best_ = &best;
    height_ = height;
    branch(0, -1, 0);
    height = height_;
    return height <= lower_bound_ || branches_left_ > 0;
  }

 private:
  struct Candidate {
    int member;
    std::int64_t offset;
  };

  std::int64_t resting_offset(int member) const {
    const BufferGroups::Group& group = groups_.groups[members_[member]];
    std::int64_t offset = 0;
    for (std::int32_t step = group.first_step; step <= group.last_step; ++step) {
      offset = std::max(offset, floor_[step - first_step_]);
    }
    return offset;
  }

  bool can_improve(std::int64_t last_offset) const {
    for (std::size_t i = 0; i < floor_.size(); ++i) {
      if (unplaced_bytes_[i] > 0 &&
          std::max(floor_[i], last_offset) + unplaced_bytes_[i] >= height_) {
        return false;
      }
    }
    return true;
  }

  void branch(std::size_t placed_count, int last_member, std::int64_t last_offset) {
    if (placed_count == members_.size()) return record();
    if (branches_left_ <= 0 || height_ <= lower_bound_ || !can_improve(last_offset)) return;
    --branches_left_;

    std::vector<Candidate> candidates;
    std::int64_t lowest_top = std::numeric_limits<std::int64_t>::max();
    for (int member = 0; member < static_cast<int>(members_.size()); ++member) {
      if (is_placed_[member]) continue;
      const std::int64_t offset = resting_offset(member);
      lowest_top = std::min(lowest_top, offset + groups_.groups[members_[member]].bytes);
      // Groups at equal offsets are placed in the order of their numbers.
      if (offset > last_offset || (offset == last_offset && member > last_member)) {
        candidates.push_back({member, offset});
      }
    }
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const Candidate& a, const Candidate& b) { return a.offset < b.offset; });
    for (const Candidate& candidate : candidates) {
      if (candidate.offset >= lowest_top) break;
      place(candidate, placed_count);
    }
  }

  void place(const Candidate& candidate, std::size_t placed_count) {
    const int group = members_[candidate.member];
    std::vector<std::int64_t> saved;
    groups_.for_each_step(group, [&](std::int32_t step, std::int64_t bytes) {
      saved.push_back(floor_[step - first_step_]);
      floor_[step - first_step_] = candidate.offset + bytes;
      unplaced_bytes_[step - first_step_] -= bytes;
    });
    is_placed_[candidate.member] = true;
    current_[candidate.member] = candidate.offset;

    branch(placed_count + 1, candidate.member, candidate.offset);

    is_placed_[candidate.member] = false;
    auto before = saved.begin();
    groups_.for_each_step(group, [&](std::int32_t step, std::int64_t bytes) {
      floor_[step - first_step_] = *before++;
      unplaced_bytes_[step - first_step_] += bytes;
    });
  }

  void record() {
    std::int64_t height = 0;
    for (std::size_t member = 0; member < members_.size(); ++member) {
      height = std::max(height, current_[member] + groups_.groups[members_[member]].bytes);
    }
    if (height >= height_) return;
    height_ = height;
    for (std::size_t member = 0; member < members_.size(); ++member) {
      (*best_)[members_[member]] = current_[member];
    }
  }

  const BufferGroups& groups_;
  const std::vector<int>& members_;
  std::int64_t lower_bound_;
  std::int64_t& branches_left_;
  std::int32_t first_step_ = 0;
  std::vector<std::int64_t> floor_;           // per step: the top of what is placed
  std::vector<std::int64_t> unplaced_bytes_;  // per step: the sum of what is not
  std::vector<bool> is_placed_;
  std::vector<std::int64_t> current_;
  std::vector<std::int64_t>* best_ = nullptr;
  std::int64_t height_ = 0;
};

}  // namespace

bool improve_by_branch_and_bound(const BufferGroups& groups, std::int64_t alignment,
                                 std::int64_t lower_bound, std::int64_t max_branches,
                                 std::vector<std::int64_t>& offsets, std::int64_t& height) {
  std::vector<bool> remains;
  const std::vector<int> set_aside = set_aside_easy_groups(groups, alignment, lower_bound, remains);

  bool is_proven = true;
  std::int64_t branches_left = max_branches;
  FirstFit first_fit;
  first_fit.reset(groups);
  for (const std::vector<int>& component : split_into_components(groups, remains)) {
    std::int64_t component_height = 0;
    for (int group : component) {
      component_height = std::max(component_height, offsets[group] + groups.groups[group].bytes);
    }
    ComponentSearch search(groups, component, lower_bound, branches_left);
    is_proven = search.run(offsets, component_height) && is_proven;
    for (int group : component) first_fit.place_at(group, offsets[group]);
  }
  for (auto group = set_aside.rbegin(); group != set_aside.rend(); ++group) first_fit.place(*group);
  offsets = first_fit.offsets();
  height = first_fit.height();
  return is_proven;
}

}  // namespace mcunet::engine
