#pragma once

#include <string_view>
#include <vector>

#include "mcunet/search/search_state.hpp"

namespace mcunet::search {

// A network, and the search that found it: "evolution", "random search" or "front".
struct Winner {
  Candidate network;
  std::string_view found_by;
};

// What the searches of one space for one device found.
struct SearchResult {
  SearchState evolution;
  SearchState random;  // the baseline; without networks if there is none
  SearchState front;   // evolution's networks, and those bred for the front

  bool is_feasible() const { return evolution.best() != nullptr; }
  // The best of all that were measured, by is_better; of equals evolution's. Only of a result that is
  // feasible.
  Winner winner() const;
  // All that were measured, each once, by is_better.
  std::vector<Candidate> ranking() const;
  // Networks that were measured, each counted once for every search that came upon it anew.
  std::int64_t evaluations() const;
  double seconds() const { return front.seconds + random.seconds; }
  // Of the time, what did not go into the accuracies.
  double overhead_share() const;
};

}  // namespace mcunet::search
