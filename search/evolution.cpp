#include "mcunet/search/evolution.hpp"

#include <algorithm>
#include <numeric>

#include "candidate_source.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/search/accuracy_predictor.hpp"
#include "mcunet/search/space/variation.hpp"

namespace mcunet::search {
namespace {

constexpr std::uint64_t kCrossoverDraw = 10;
constexpr std::uint64_t kMutationDraw = 11;

void require(const char* name, std::int64_t value, std::int64_t min) {
  if (value < min) throw Error("{}: must be at least {}, is {}", name, min, value);
}

void check(const EvolutionOptions& options) {
  require("population", options.population, 1);
  require("parents", options.parents, 1);
  require("crossovers", options.crossovers, 0);
  require("mutations", options.mutations, 0);
  require("crossovers + mutations", options.crossovers + options.mutations, 1);
  require("iterations", options.iterations, 0);
  require("screening", options.screening, 1);
  if (!(options.mutation_probability > 0 && options.mutation_probability <= 1)) {
    throw Error("mutation_probability: must be in (0, 1], is {}", options.mutation_probability);
  }
}

// The first `count` indices of a range by falling score; of equals, the earlier.
std::vector<std::size_t> best_by(std::size_t begin, std::size_t end, std::size_t count,
                                 const std::function<double(std::size_t)>& score) {
  std::vector<std::size_t> order(end - begin);
  std::iota(order.begin(), order.end(), begin);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return score(a) > score(b); });
  order.resize(std::min(order.size(), count));
  return order;
}

class Evolution {
 public:
  Evolution(const SearchProblem& problem, AccuracyEstimator& accuracy,
            const EvolutionOptions& options, SearchState& state)
      : problem_(problem),
        accuracy_(accuracy),
        options_(options),
        state_(state),
        source_(problem, options.seed, options.attempts_per_candidate, state) {}

  CandidateSource& source() { return source_; }

  // One generation; false if there is none to come.
  bool step() {
    if (state_.is_exhausted || !state_.infeasible.empty()) return false;
    if (state_.generations.size() > static_cast<std::size_t>(options_.iterations)) return false;
    Generation tally;
    const bool is_first = state_.generations.empty();
    std::vector<Candidate> candidates =
        is_first ? source_.sample(options_.sampling, 0, options_.population, tally) : breed(tally);
    if (candidates.empty()) {
      if (is_first) state_.infeasible = source_.explain_infeasible();
      state_.is_exhausted = true;
      return false;
    }
    source_.evaluate(std::move(candidates), tally, accuracy_, state_);
    return true;
  }

 private:
  std::vector<std::size_t> choose_parents() const {
    const std::size_t size = state_.evaluated.size();
    const std::size_t begin =
        options_.keep_parents
            ? 0
            : size - static_cast<std::size_t>(state_.generations.back().evaluated);
    return best_by(begin, size, static_cast<std::size_t>(options_.parents),
                   [&](std::size_t i) { return state_.evaluated[i].accuracy; });
  }

  std::vector<Candidate> breed(Generation& tally) {
    const std::vector<std::size_t> parents = choose_parents();
    const auto pick = [&](RandomStream& random) -> const space::Subnet& {
      const std::uint32_t i = random.index(static_cast<std::uint32_t>(parents.size()));
      return state_.evaluated[parents[i]].subnet;
    };
    const auto draw = [&](std::uint64_t kind, int count, const Propose& propose) {
      return source_.draw({.propose = propose,
                           .draw = kind,
                           .generation = state_.generations.size(),
                           .count = count * screening()},
                          tally);
    };
    std::vector<Candidate> crossed =
        draw(kCrossoverDraw, options_.crossovers, [&](RandomStream& random) {
          const space::Subnet& first = pick(random);
          return space::cross(problem_.space, first, pick(random), random);
        });
    screen(crossed, options_.crossovers, tally);
    // Where parents are so alike that crossing them gives nothing new, mutation fills up.
    const int mutations =
        options_.mutations + options_.crossovers - static_cast<int>(crossed.size());
    std::vector<Candidate> mutated = draw(kMutationDraw, mutations, [&](RandomStream& random) {
      return space::mutate(problem_.space, pick(random), options_.mutation_probability, random);
    });
    screen(mutated, mutations, tally);
    crossed.insert(crossed.end(), std::make_move_iterator(mutated.begin()),
                   std::make_move_iterator(mutated.end()));
    return crossed;
  }

  int screening() const { return state_.evaluated.size() < 2 ? 1 : options_.screening; }

  // Keeps those of which the predictor expects most.
  void screen(std::vector<Candidate>& candidates, int count, Generation& tally) {
    if (screening() == 1) return;
    if (!tally.predictor_rank_correlation) {
      tally.predictor_rank_correlation =
          held_out_rank_correlation(problem_.space, state_.evaluated);
    }
    if (candidates.size() <= static_cast<std::size_t>(count)) return;
    const std::vector<double> expected =
        AccuracyPredictor(problem_.space, state_.evaluated).predict(candidates);
    std::vector<Candidate> kept;
    for (std::size_t i : best_by(0, candidates.size(), static_cast<std::size_t>(count),
                                 [&](std::size_t c) { return expected[c]; })) {
      kept.push_back(std::move(candidates[i]));
    }
    candidates = std::move(kept);
  }

  const SearchProblem& problem_;
  AccuracyEstimator& accuracy_;
  const EvolutionOptions& options_;
  SearchState& state_;
  CandidateSource source_;
};

}  // namespace

SearchState evolve(const SearchProblem& problem, AccuracyEstimator& accuracy,
                   const EvolutionOptions& options, SearchState state, const SaveState& save) {
  check(options);
  Evolution evolution(problem, accuracy, options, state);
  run_generations(evolution.source(), state, save, [&] { return evolution.step(); });
  return state;
}

SearchState search_randomly(const SearchProblem& problem, AccuracyEstimator& accuracy,
                            const RandomSearchOptions& options, SearchState state,
                            const SaveState& save) {
  require("evaluations", options.evaluations, 1);
  require("batch", options.batch, 1);
  CandidateSource source(problem, options.seed, options.attempts_per_candidate, state);
  run_generations(source, state, save, [&] {
    const std::int64_t missing =
        options.evaluations - static_cast<std::int64_t>(state.evaluated.size());
    if (state.is_exhausted || !state.infeasible.empty() || missing <= 0) return false;
    Generation tally;
    std::vector<Candidate> candidates =
        source.sample(options.sampling, state.generations.size(),
                      static_cast<int>(std::min<std::int64_t>(missing, options.batch)), tally);
    if (candidates.empty()) {
      if (state.generations.empty()) state.infeasible = source.explain_infeasible();
      state.is_exhausted = true;
      return false;
    }
    source.evaluate(std::move(candidates), tally, accuracy, state);
    return true;
  });
  return state;
}

}  // namespace mcunet::search
