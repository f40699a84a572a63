#include "mcunet/search/nsga.hpp"

#include <algorithm>
#include <numeric>

#include "candidate_source.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/search/space/variation.hpp"

namespace mcunet::search {
namespace {

constexpr std::uint64_t kChildDraw = 20;

void check(const FrontOptions& options) {
  if (options.objectives.size() < 2) {
    throw Error("objectives: must be at least 2, are {}", options.objectives.size());
  }
  for (std::size_t i = 0; i < options.objectives.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (options.objectives[i] == options.objectives[j]) {
        throw Error("objectives: {} stands there twice", name_of(options.objectives[i]));
      }
    }
  }
  if (options.population < 2) {
    throw Error("population: must be at least 2, is {}", options.population);
  }
  if (options.iterations < 0) {
    throw Error("iterations: must be at least 0, is {}", options.iterations);
  }
  if (!(options.mutation_probability > 0 && options.mutation_probability <= 1)) {
    throw Error("mutation_probability: must be in (0, 1], is {}", options.mutation_probability);
  }
}

// The parents, the best first.
struct ParentPool {
  std::vector<std::size_t> members;  // indices of evaluated networks
};

// By rank, then by crowding distance among those of the same rank; of equals, the earlier.
ParentPool select(const SearchState& state, const FrontOptions& options) {
  const std::vector<Point> points = points_of(state.evaluated, options.objectives);
  const std::vector<int> ranks = nondominated_ranks(points);
  const auto wanted = static_cast<std::size_t>(options.population);
  ParentPool pool;
  for (int rank = 0; pool.members.size() < std::min(wanted, points.size()); ++rank) {
    std::vector<std::size_t> of_rank;
    std::vector<Point> places;
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (ranks[i] != rank) continue;
      of_rank.push_back(i);
      places.push_back(points[i]);
    }
    const std::vector<double> distances = crowding_distances(places);
    std::vector<std::size_t> order(of_rank.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return distances[a] > distances[b]; });
    for (std::size_t i : order) {
      if (pool.members.size() < wanted) pool.members.push_back(of_rank[i]);
    }
  }
  return pool;
}

// A binary tournament: the better of two at random.
std::size_t tournament(const ParentPool& pool, RandomStream& random) {
  const auto size = static_cast<std::uint32_t>(pool.members.size());
  const std::uint32_t first = random.index(size);
  return pool.members[std::min(first, random.index(size))];
}

}  // namespace

SearchState search_front(const SearchProblem& problem, AccuracyEstimator& accuracy,
                         const FrontOptions& options, SearchState state, const SaveState& save) {
  check(options);
  CandidateSource source(problem, options.seed, options.attempts_per_candidate, state);
  std::int64_t done = std::count_if(state.generations.begin(), state.generations.end(),
                                    [](const Generation& g) { return g.is_front; });
  run_generations(source, state, save, [&] {
    if (!state.infeasible.empty()) return false;
    Generation tally;
    std::vector<Candidate> candidates;
    if (state.evaluated.empty()) {
      candidates = source.sample(options.sampling, 0, options.population, tally);
      if (candidates.empty()) state.infeasible = source.explain_infeasible();
    } else {
      if (done >= options.iterations) return false;
      const ParentPool pool = select(state, options);
      const auto breed = [&](RandomStream& random) {
        const space::Subnet& first = state.evaluated[tournament(pool, random)].subnet;
        const space::Subnet& second = state.evaluated[tournament(pool, random)].subnet;
        const space::Subnet child = space::cross(problem.space, first, second, random);
        return space::mutate(problem.space, child, options.mutation_probability, random);
      };
      candidates = source.draw({.propose = breed,
                                .draw = kChildDraw,
                                .generation = static_cast<std::uint64_t>(done),
                                .count = options.population},
                               tally);
      tally.is_front = true;
      ++done;
    }
    state.is_exhausted = candidates.empty();
    if (candidates.empty()) return false;
    source.evaluate(std::move(candidates), tally, accuracy, state);
    return true;
  });
  return state;
}

}  // namespace mcunet::search
