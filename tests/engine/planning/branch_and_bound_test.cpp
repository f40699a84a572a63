#include "planning/branch_and_bound.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "plan_builders.hpp"

namespace mcunet::engine {
namespace {

struct Solution {
  std::vector<std::int64_t> offsets;
  std::int64_t height = 0;
  std::int64_t bound = 0;
  bool is_proven = false;
};

// Starts from the worst plan there is: every group on top of the others.
Solution solve(const std::vector<BufferRequest>& requests, std::int64_t max_branches) {
  BufferGroups groups;
  group_requests(requests, 1, groups);
  Solution solution;
  for (const BufferGroups::Group& group : groups.groups) {
    solution.offsets.push_back(solution.height);
    solution.height += group.bytes;
  }
  solution.bound = *std::max_element(groups.live_bytes.begin(), groups.live_bytes.end());
  solution.is_proven = improve_by_branch_and_bound(groups, 1, solution.bound, max_branches,
                                                   solution.offsets, solution.height);
  return solution;
}

TEST(BranchAndBound, ReachesTheOptimumFromTheWorstPlan) {
  RandomStream random(11);
  for (int trial = 0; trial < 500; ++trial) {
    const auto requests = make_random_requests({.buffers = 6, .steps = 6, .max_size = 4}, random);
    const Solution solution = solve(requests, 1'000'000);
    EXPECT_TRUE(solution.is_proven);
    ASSERT_EQ(solution.height, BruteForce(requests).least_arena()) << "trial " << trial;
  }
}

// A problem whose optimum lies above the lower bound, so that there is something to prove.
std::vector<BufferRequest> make_hard_requests() {
  RandomStream random(1);
  for (int trial = 0; trial < 20'000; ++trial) {
    auto requests = make_random_requests({.buffers = 8, .steps = 6, .max_size = 5}, random);
    const Solution solution = solve(requests, 1'000'000);
    if (solution.height > solution.bound) return requests;
  }
  return {};
}

TEST(BranchAndBound, GivesUpWhenItMayNotBranch) {
  const std::vector<BufferRequest> hard = make_hard_requests();
  ASSERT_FALSE(hard.empty());
  EXPECT_FALSE(solve(hard, 1).is_proven);
  EXPECT_TRUE(solve(hard, 1'000'000).is_proven);
}

TEST(BranchAndBound, SolvesManyIndependentPartsOneByOne) {
  // Thirty copies of a small puzzle after one another: hopeless if searched as a whole.
  const std::vector<BufferRequest> puzzle = make_hard_requests();
  ASSERT_FALSE(puzzle.empty());
  std::vector<BufferRequest> repeated;
  for (int copy = 0; copy < 30; ++copy) {
    for (BufferRequest request : puzzle) {
      request.first_step += 6 * copy;
      request.last_step += 6 * copy;
      if (request.in_place_of != kNoId) {
        request.in_place_of += copy * static_cast<std::int32_t>(puzzle.size());
      }
      repeated.push_back(request);
    }
  }
  const Solution solution = solve(repeated, 100'000);
  EXPECT_TRUE(solution.is_proven);
  EXPECT_EQ(solution.height, solve(puzzle, 100'000).height);
}

}  // namespace
}  // namespace mcunet::engine
