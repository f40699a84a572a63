#pragma once

#include <cstdint>
#include <vector>

#include "planning/buffer_groups.hpp"

namespace mcunet::engine {

// Lowers a feasible plan (`offsets` per group, `height`) to the optimum, or as far as
// `max_branches` allow; returns whether the optimum is proven. Sizes are multiples of `alignment`,
// and `lower_bound` is the largest sum of bytes alive.
//
// 1. Simplify, as in register allocation by graph colouring: a group whose neighbours in time,
//    wherever they lie, cannot block all of its offsets below the lower bound is set aside, again
//    and again.
// 2. What remains falls apart into components that do not meet in time. Each is searched alone.
// 3. Search: some optimal plan has every group at 0 or on top of another (else push it down). So
//    the groups are placed in order of rising offset, each on the highest group below it: a branch
//    is the choice of the next group. Cut if a step's floor plus what is still to come reaches the
//    best height, or if an unplaced group would fit wholly below the chosen one.
// 4. The groups set aside go back in reverse order, first fit.
//
// Exponential in the size of a component, which is a handful of groups for real networks.
bool improve_by_branch_and_bound(const BufferGroups& groups, std::int64_t alignment,
                                 std::int64_t lower_bound, std::int64_t max_branches,
                                 std::vector<std::int64_t>& offsets, std::int64_t& height);

}  // namespace mcunet::engine
