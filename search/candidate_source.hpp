#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <unordered_set>
#include <vector>

#include "mcunet/search/accuracy_estimator.hpp"
#include "mcunet/search/search_state.hpp"
#include "mcunet/search/space/subnet_json.hpp"

// What all kinds of search share: filling a generation with new networks within the budget, and
// evaluating it.
namespace mcunet::search {

using Propose = std::function<space::Subnet(RandomStream&)>;

// One draw: proposal i has the random stream (seed, {draw, generation, i}).
struct DrawRequest {
  Propose propose;
  std::uint64_t draw = 0;
  std::uint64_t generation = 0;
  int count = 0;  // networks wanted
};

class CandidateSource {
 public:
  CandidateSource(const SearchProblem& problem, std::uint64_t seed, int attempts_per_candidate,
                  const SearchState& state);
  ~CandidateSource();

  // Up to `count` networks that fit and are neither in the state nor among those drawn since the
  // last evaluation; fewer if the attempts do not suffice.
  std::vector<Candidate> draw(const DrawRequest& request, Generation& tally);

  // The same for random networks, which are shrunk until they fit where the attempts do not
  // suffice.
  std::vector<Candidate> sample(space::Sampling sampling, std::uint64_t generation, int count,
                                Generation& tally);

  // What would have to give for anything to fit, by the smallest network and random ones.
  std::vector<std::string> explain_infeasible();

  // Asks for the accuracies and appends the generation to the state.
  void evaluate(std::vector<Candidate> candidates, Generation tally, AccuracyEstimator& accuracy,
                SearchState& state);

  std::int64_t plans() const { return plans_; }
  double planning_seconds() const { return planning_seconds_; }

 private:
  struct Planner;
  void plan(std::span<Candidate> candidates);
  bool accept(const Candidate& candidate, Generation& tally);
  void shrink_to_fit(const DrawRequest& request, std::vector<Candidate>& found, Generation& tally);

  const SearchProblem& problem_;
  std::uint64_t seed_;
  int attempts_per_candidate_;
  std::unordered_set<space::Subnet, space::SubnetHash> evaluated_;
  std::unordered_set<space::Subnet, space::SubnetHash> drawn_;  // since the last evaluation
  std::unique_ptr<Planner> planner_;
  std::int64_t plans_ = 0;
  double planning_seconds_ = 0;
};

// Calls step() for one generation after another until it returns false, keeping the books of the
// state, and save() after each.
void run_generations(CandidateSource& source, SearchState& state, const SaveState& save,
                     const std::function<bool()>& step);

}  // namespace mcunet::search
