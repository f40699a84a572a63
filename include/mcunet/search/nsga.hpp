#pragma once

#include <cstdint>
#include <vector>

#include "mcunet/search/accuracy_estimator.hpp"
#include "mcunet/search/pareto.hpp"
#include "mcunet/search/search_state.hpp"

// Search for a whole front of trade-offs within the budget: NSGA-II (Deb et al. 2002).
namespace mcunet::search {

struct FrontOptions {
  std::vector<Objective> objectives = {Objective::kAccuracy, Objective::kSram, Objective::kMacs};
  int population = 100;
  int iterations = 30;
  double mutation_probability = 0.1;
  space::Sampling sampling = space::Sampling::kUniformGenes;
  int attempts_per_candidate = 1000;
  std::uint64_t seed = 0;
};

// Parents are the best `population` of all networks evaluated so far, by rank and crowding
// distance; children are crossed over and mutated. `state` may hold what another search evaluated;
// a state without networks begins with random ones. As in evolution.hpp otherwise.
SearchState search_front(const SearchProblem& problem, AccuracyEstimator& accuracy,
                         const FrontOptions& options, SearchState state = {},
                         const SaveState& save = {});

}  // namespace mcunet::search
