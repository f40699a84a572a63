#pragma once

#include <cstdint>

#include "mcunet/search/accuracy_estimator.hpp"
#include "mcunet/search/search_state.hpp"

// Evolution for the most accurate network within a budget (paper, Appendix D), and random search to
// compare it with. Networks that do not fit, or were evaluated before, are replaced by other
// proposals; their number is bounded, so both end under any budget. What they find depends on
// problem, options and accuracies alone, not on threads or on interruptions.
namespace mcunet::search {

struct EvolutionOptions {
  int population = 100;  // of the first generation, drawn at random
  int parents = 20;
  int crossovers = 50;  // children per generation
  int mutations = 50;
  double mutation_probability = 0.1;  // per gene
  int iterations = 30;                // generations after the first
  // Parents come from all networks evaluated so far; otherwise from the last generation alone.
  bool keep_parents = true;
  space::Sampling sampling = space::Sampling::kUniformGenes;
  // Proposals for each network wanted. Where so many random networks do not fit, they are shrunk
  // gene by gene until they do.
  int attempts_per_candidate = 1000;
  // Children proposed for each that is evaluated; a predictor trained on those evaluated so far
  // chooses. 1: no predictor.
  int screening = 1;
  std::uint64_t seed = 0;
};

// Goes on from `state`, a new one or one that was saved; `save` is called after each generation. If
// nothing fits, the result has no networks but says why. Throws Error for options out of range.
SearchState evolve(const SearchProblem& problem, AccuracyEstimator& accuracy,
                   const EvolutionOptions& options, SearchState state = {},
                   const SaveState& save = {});

struct RandomSearchOptions {
  std::int64_t evaluations = 3100;
  int batch = 100;  // networks per generation
  space::Sampling sampling = space::Sampling::kUniformGenes;
  int attempts_per_candidate = 1000;
  std::uint64_t seed = 0;
};

// Its first generation is evolution's of the same seed and population.
SearchState search_randomly(const SearchProblem& problem, AccuracyEstimator& accuracy,
                            const RandomSearchOptions& options, SearchState state = {},
                            const SaveState& save = {});

}  // namespace mcunet::search
