#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "mcunet/search/accuracy_estimator.hpp"
#include "mcunet/search/search_state.hpp"
#include "mcunet/search/space/subnet_json.hpp"
#include "mcunet/search/subnet_oracle.hpp"
#include "space/test_spaces.hpp"

namespace mcunet::search {

// An accuracy without any training: each gene value has a worth drawn from the seed, neighbouring
// blocks interact, and larger networks are better.
class SyntheticAccuracy : public AccuracyEstimator {
 public:
  explicit SyntheticAccuracy(std::uint64_t seed) : seed_(seed) {}

  double estimate(const space::Subnet& subnet) override {
    ++asked;
    return accuracy_of(subnet);
  }

  double accuracy_of(const space::Subnet& subnet) const {
    double worth = 0;
    std::uint64_t gene = 0;
    const auto draw = [&](std::uint64_t value, std::uint64_t other = 0) {
      return RandomStream(seed_, {gene, value, other}).uniform();
    };
    std::uint64_t before = 0;
    for (std::int32_t depth : subnet.depths) {
      ++gene;
      worth += 0.5 * depth + draw(static_cast<std::uint64_t>(depth));
    }
    for (const space::BlockGenes& genes : subnet.blocks) {
      ++gene;
      const auto value = static_cast<std::uint64_t>(genes.kernel + 16 * genes.expand_ratio);
      worth += 0.05 * genes.expand_ratio + draw(value) + 0.5 * draw(value, before + 1);
      before = value;
    }
    worth += 0.01 * subnet.resolution;
    return worth / (worth + 40);
  }

  int asked = 0;

 private:
  std::uint64_t seed_;
};

// Two stages of up to two blocks: (6 + 36)² networks at each of two resolutions.
inline space::SearchSpace make_small_space() {
  space::SearchSpace space;
  space.name = "small";
  space.resolutions = {32, 48};
  const space::Stage stage{
      .channels = 16, .stride = 2, .depths = {1, 2}, .kernels = {3, 5}, .expand_ratios = {3, 4, 6}};
  space.stages = {stage, stage};
  space.stages[1].channels = 24;
  space.classes = 10;
  return space;
}

// All networks of a space, from neighbour to neighbour.
inline std::vector<space::Subnet> enumerate(const space::SearchSpace& space) {
  std::vector<space::Subnet> all = {space::canonical(space, space::smallest(space))};
  std::unordered_set<space::Subnet, space::SubnetHash> seen(all.begin(), all.end());
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (const space::Subnet& next : neighbours(space, all[i])) {
      if (seen.insert(next).second) all.push_back(next);
    }
  }
  return all;
}

// All of them that fit, with their accuracies.
inline std::vector<Candidate> enumerate_candidates(const SearchProblem& problem,
                                                   const SyntheticAccuracy& accuracy) {
  SubnetOracle oracle(problem.oracle);
  std::vector<Candidate> candidates;
  for (const space::Subnet& subnet : enumerate(problem.space)) {
    const engine::Resources resources = oracle.measure(problem.space, subnet);
    if (!engine::fits(resources, problem.budget)) continue;
    candidates.push_back({subnet, resources, accuracy.accuracy_of(subnet)});
  }
  return candidates;
}

// About half of the networks of the small space fit.
inline SearchProblem make_small_problem() {
  return {.space = make_small_space(),
          .budget = {.sram_bytes = 45'000, .flash_bytes = 40'000},
          .threads = 1};
}

// Without what depends on the machine.
inline std::string comparable(const SearchProblem& problem, SearchState state) {
  state.seconds = state.accuracy_seconds = state.planning_seconds = 0;
  state.plans = 0;
  return state_to_json(problem.space, state);
}

}  // namespace mcunet::search
