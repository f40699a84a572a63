#include "candidate_source.hpp"

#include <tbb/blocked_range.h>
#include <tbb/enumerable_thread_specific.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>

#include "mcunet/core/error.hpp"
#include "mcunet/core/stopwatch.hpp"
#include "mcunet/search/infeasibility.hpp"
#include "mcunet/search/space/variation.hpp"
#include "mcunet/search/subnet_oracle.hpp"

namespace mcunet::search {
namespace {

constexpr std::uint64_t kSampleDraw = 1;
constexpr std::uint64_t kShrinkDraw = 2;
constexpr int kProposalsPerTask = 16;
constexpr std::int64_t kMaxBlock = 4096;
constexpr int kWalksPerCandidate = 10;

}  // namespace

struct CandidateSource::Planner {
  Planner(const engine::OracleOptions& options, int threads)
      : limit(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads)),
        arena(threads),
        oracles([options] { return SubnetOracle(options); }) {}

  tbb::global_control limit;
  tbb::task_arena arena;
  tbb::enumerable_thread_specific<SubnetOracle> oracles;
};

CandidateSource::CandidateSource(const SearchProblem& problem, std::uint64_t seed,
                                 int attempts_per_candidate, const SearchState& state)
    : problem_(problem), seed_(seed), attempts_per_candidate_(attempts_per_candidate) {
  if (attempts_per_candidate < 1) {
    throw Error("attempts_per_candidate: must be at least 1, is {}", attempts_per_candidate);
  }
  for (const Candidate& candidate : state.evaluated) evaluated_.insert(candidate.subnet);
  const int threads =
      problem.threads > 0 ? problem.threads : tbb::this_task_arena::max_concurrency();
  planner_ = std::make_unique<Planner>(problem.oracle, threads);
}

CandidateSource::~CandidateSource() = default;

void CandidateSource::plan(std::span<Candidate> candidates) {
  planner_->arena.execute([&] {
    tbb::parallel_for(tbb::blocked_range<std::size_t>(0, candidates.size(), kProposalsPerTask),
                      [&](const tbb::blocked_range<std::size_t>& range) {
                        SubnetOracle& oracle = planner_->oracles.local();
                        for (std::size_t i = range.begin(); i != range.end(); ++i) {
                          candidates[i].resources =
                              oracle.measure(problem_.space, candidates[i].subnet);
                        }
                      });
  });
  plans_ += static_cast<std::int64_t>(candidates.size());
}

bool CandidateSource::accept(const Candidate& candidate, Generation& tally) {
  if (drawn_.contains(candidate.subnet)) {
    ++tally.duplicates;
    return false;
  }
  ++tally.planned;
  if (!engine::fits(candidate.resources, problem_.budget)) return false;
  ++tally.fitting;
  drawn_.insert(candidate.subnet);
  return true;
}

// Proposals are planned block by block on all threads, and taken in their order: which of them a
// block still planned in vain changes nothing.
std::vector<Candidate> CandidateSource::draw(const DrawRequest& request, Generation& tally) {
  const Stopwatch stopwatch;
  const std::int64_t attempts = std::int64_t{request.count} * attempts_per_candidate_;
  const auto wanted = static_cast<std::size_t>(std::max(request.count, 0));
  std::vector<Candidate> found;
  std::vector<Candidate> block;
  std::vector<std::int64_t> duplicates_before;  // per network of the block
  std::int64_t proposed = 0;
  std::int64_t accepted_share = 1;  // proposals per network, as seen so far
  while (found.size() < wanted && proposed < attempts) {
    const auto missing = static_cast<std::int64_t>(wanted - found.size());
    const std::int64_t end =
        std::min(attempts, proposed + std::clamp<std::int64_t>(missing * accepted_share,
                                                               kProposalsPerTask, kMaxBlock));
    block.clear();
    duplicates_before.clear();
    std::int64_t duplicates = 0;
    for (; proposed < end; ++proposed) {
      RandomStream random(seed_,
                          {request.draw, request.generation, static_cast<std::uint64_t>(proposed)});
      space::Subnet subnet = request.propose(random);
      if (evaluated_.contains(subnet) || drawn_.contains(subnet)) {
        ++duplicates;
        continue;
      }
      block.push_back({.subnet = std::move(subnet)});
      duplicates_before.push_back(duplicates);
      duplicates = 0;
    }
    plan(block);
    std::size_t i = 0;
    for (; i < block.size() && found.size() < wanted; ++i) {
      tally.duplicates += duplicates_before[i];
      if (accept(block[i], tally)) found.push_back(std::move(block[i]));
    }
    if (i == block.size()) tally.duplicates += duplicates;
    accepted_share = 1 + proposed / (static_cast<std::int64_t>(found.size()) + 1);
  }
  planning_seconds_ += stopwatch.seconds();
  return found;
}

void CandidateSource::shrink_to_fit(const DrawRequest& request, std::vector<Candidate>& found,
                                    Generation& tally) {
  const Stopwatch stopwatch;
  const auto wanted = static_cast<std::size_t>(request.count);
  const std::size_t walks = (wanted - found.size()) * kWalksPerCandidate;
  SubnetOracle& oracle = planner_->oracles.local();
  for (std::size_t walk = 0; walk < walks && found.size() < wanted; ++walk) {
    RandomStream random(seed_, {request.draw, request.generation, walk});
    Candidate candidate{.subnet = request.propose(random)};
    for (;;) {
      candidate.resources = oracle.measure(problem_.space, candidate.subnet);
      ++plans_;
      ++tally.planned;
      if (engine::fits(candidate.resources, problem_.budget)) break;
      if (!space::shrink(problem_.space, candidate.subnet, random)) break;
    }
    if (!engine::fits(candidate.resources, problem_.budget)) continue;
    if (evaluated_.contains(candidate.subnet) || !drawn_.insert(candidate.subnet).second) {
      ++tally.duplicates;
      continue;
    }
    ++tally.fitting;
    found.push_back(std::move(candidate));
  }
  planning_seconds_ += stopwatch.seconds();
}

std::vector<Candidate> CandidateSource::sample(space::Sampling sampling, std::uint64_t generation,
                                               int count, Generation& tally) {
  DrawRequest request{
      .propose =
          [&](RandomStream& random) { return space::sample(problem_.space, sampling, random); },
      .draw = kSampleDraw,
      .generation = generation,
      .count = count};
  std::vector<Candidate> found = draw(request, tally);
  request.draw = kShrinkDraw;
  if (found.size() < static_cast<std::size_t>(count)) shrink_to_fit(request, found, tally);
  return found;
}

std::vector<std::string> CandidateSource::explain_infeasible() {
  constexpr int kSamples = 1000;
  std::vector<Candidate> candidates = {{.subnet = space::smallest(problem_.space)}};
  for (int i = 0; i < kSamples; ++i) {
    RandomStream random(seed_, {kSampleDraw, 0, static_cast<std::uint64_t>(i)});
    candidates.push_back(
        {.subnet = space::sample(problem_.space, space::Sampling::kUniformGenes, random)});
  }
  plan(candidates);
  BudgetNeeds needs;
  for (const Candidate& candidate : candidates) {
    if (engine::fits(candidate.resources, problem_.budget)) {
      return {fmt::format(
          "attempts_per_candidate: {} are too few to find the rare networks within the budget",
          attempts_per_candidate_)};
    }
    needs.add(candidate.resources, problem_.budget);
  }
  return search::explain_infeasible(needs, problem_.budget);
}

void CandidateSource::evaluate(std::vector<Candidate> candidates, Generation tally,
                               AccuracyEstimator& accuracy, SearchState& state) {
  std::vector<space::Subnet> subnets;
  for (const Candidate& candidate : candidates) subnets.push_back(candidate.subnet);
  const Stopwatch stopwatch;
  const std::vector<double> accuracies = accuracy.estimate_all(subnets);
  state.accuracy_seconds += stopwatch.seconds();
  for (std::size_t i = 0; i < candidates.size(); ++i) candidates[i].accuracy = accuracies[i];
  tally.evaluated = static_cast<std::int64_t>(candidates.size());
  state.generations.push_back(tally);
  state.evaluated.insert(state.evaluated.end(), std::make_move_iterator(candidates.begin()),
                         std::make_move_iterator(candidates.end()));
  evaluated_.insert(subnets.begin(), subnets.end());
  drawn_.clear();
}

void run_generations(CandidateSource& source, SearchState& state, const SaveState& save,
                     const std::function<bool()>& step) {
  const double planning_before = state.planning_seconds;
  const std::int64_t plans_before = state.plans;
  const double seconds_before = state.seconds;
  const Stopwatch stopwatch;
  const auto keep_books = [&] {
    state.seconds = seconds_before + stopwatch.seconds();
    state.planning_seconds = planning_before + source.planning_seconds();
    state.plans = plans_before + source.plans();
  };
  while (step()) {
    keep_books();
    if (save) save(state);
  }
  keep_books();
}

}  // namespace mcunet::search
