#include "mcunet/search/search_result.hpp"

#include <algorithm>
#include <unordered_set>

namespace mcunet::search {

Winner SearchResult::winner() const {
  Winner winner{*evolution.best(), "evolution"};
  const auto consider = [&](const SearchState& state, std::string_view found_by) {
    const Candidate* best = state.best();
    if (best != nullptr && is_better(*best, winner.network)) winner = {*best, found_by};
  };
  consider(random, "random search");
  consider(front, "front");
  return winner;
}

std::vector<Candidate> SearchResult::ranking() const {
  std::vector<Candidate> all;
  std::unordered_set<space::Subnet, space::SubnetHash> seen;
  for (const SearchState* state : {&evolution, &front, &random}) {
    for (const Candidate& candidate : state->evaluated) {
      if (seen.insert(candidate.subnet).second) all.push_back(candidate);
    }
  }
  std::stable_sort(all.begin(), all.end(), is_better);
  return all;
}

std::int64_t SearchResult::evaluations() const {
  return static_cast<std::int64_t>(front.evaluated.size() + random.evaluated.size());
}

double SearchResult::overhead_share() const {
  const double all = seconds();
  return all > 0 ? 1 - (front.accuracy_seconds + random.accuracy_seconds) / all : 0;
}

}  // namespace mcunet::search
