#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mcunet/engine/planning/resources.hpp"
#include "mcunet/search/space/search_space.hpp"
#include "mcunet/search/space/subnet.hpp"

// What every kind of search is given, and what it leaves behind.
namespace mcunet::search {

struct SearchProblem {
  space::SearchSpace space;
  engine::OracleOptions oracle;
  engine::Budget budget;
  int threads = 0;  // that plan networks; 0: as many as there are
};

// A network within the budget.
struct Candidate {
  space::Subnet subnet;  // canonical
  engine::Resources resources;
  double accuracy = 0;
};

// The order in which a search prefers networks: by accuracy; of equals the one of less SRAM, then
// of less latency.
bool is_better(const Candidate& a, const Candidate& b);

// How one generation came about.
struct Generation {
  std::int64_t evaluated = 0;   // networks, each for the first time in this search
  std::int64_t planned = 0;     // proposals that were new
  std::int64_t fitting = 0;     // of those, within the budget
  std::int64_t duplicates = 0;  // proposals that were not new
  bool is_front = false;        // bred for a front of trade-offs
  // Spearman's, between measured accuracies and what the predictor says of networks held out.
  std::optional<double> predictor_rank_correlation;
};

struct SearchState {
  std::vector<Candidate> evaluated;  // generation after generation; no network twice
  std::vector<Generation> generations;
  bool is_exhausted = false;            // no more networks were found within the attempts
  std::vector<std::string> infeasible;  // why nothing fits, if nothing does
  // Wall time, of all runs that worked on this state. These depend on the machine; all else follows
  // from the problem, the options and the accuracies.
  double seconds = 0;
  double accuracy_seconds = 0;  // of it, in the accuracy estimator
  double planning_seconds = 0;  // of it, proposing and planning
  std::int64_t plans = 0;       // made in planning_seconds

  // By is_better, the first of equals; null if there is none.
  const Candidate* best() const;
};

// One row of a curve over generations (paper, Figure 13).
struct GenerationSummary {
  std::int64_t evaluations = 0;  // of all generations so far
  double best = 0;               // accuracy, of all generations so far
  double mean = 0;               // of this generation
  double min = 0;
  double max = 0;
  double hit_rate = 0;  // share of planned networks within the budget
};

std::vector<GenerationSummary> summarize(const SearchState& state);

// Called after each generation with a state from which the search can go on.
using SaveState = std::function<void(const SearchState&)>;

// As JSON, exactly; and back. Throws Error, naming `source`, for anything else.
std::string state_to_json(const space::SearchSpace& space, const SearchState& state);
SearchState state_from_json(const space::SearchSpace& space, std::string_view text,
                            const std::string& source);

}  // namespace mcunet::search
