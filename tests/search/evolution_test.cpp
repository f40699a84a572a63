#include "mcunet/search/evolution.hpp"

#include <gmock/gmock.h>

#include <set>

#include "core/error_text.hpp"
#include "synthetic_accuracy.hpp"

namespace mcunet::search {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

EvolutionOptions small_options(std::uint64_t seed = 0) {
  return {.population = 24,
          .parents = 6,
          .crossovers = 12,
          .mutations = 12,
          .iterations = 14,
          .attempts_per_candidate = 200,
          .seed = seed};
}

// The mobile space for an STM32F746-like budget, which about a tenth of the networks meet.
SearchProblem mobile_problem() {
  return {.space = space::load_shipped_space("proxyless").at(0.5, 160),
          .budget = {.sram_bytes = 240 << 10, .flash_bytes = 650 << 10},
          .threads = 2};
}

TEST(Evolution, FindsTheOptimumOfASmallSpace) {
  const SearchProblem problem = make_small_problem();
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    SyntheticAccuracy accuracy(seed);
    const std::vector<Candidate> all = enumerate_candidates(problem, accuracy);
    ASSERT_GT(all.size(), 500u);
    ASSERT_LT(all.size(), 3000u) << "the budget must rule out some of the 3528";
    double best = 0;
    for (const Candidate& candidate : all) best = std::max(best, candidate.accuracy);
    const SearchState state = evolve(problem, accuracy, small_options(seed));
    EXPECT_EQ(state.best()->accuracy, best) << "seed " << seed;
    EXPECT_LT(state.evaluated.size(), all.size() / 2);
  }
}

TEST(Evolution, EvaluatesNetworksWithinTheBudgetOnceEach) {
  const SearchProblem problem = mobile_problem();
  SyntheticAccuracy accuracy(1);
  EvolutionOptions options;
  options.iterations = 6;
  const SearchState state = evolve(problem, accuracy, options);
  EXPECT_EQ(state.evaluated.size(), 700u);
  EXPECT_EQ(accuracy.asked, 700);
  EXPECT_EQ(state.generations.size(), 7u);
  std::unordered_set<space::Subnet, space::SubnetHash> seen;
  SubnetOracle oracle(problem.oracle);
  for (const Candidate& candidate : state.evaluated) {
    EXPECT_TRUE(seen.insert(canonical(problem.space, candidate.subnet)).second);
    const engine::Resources resources = oracle.measure(problem.space, candidate.subnet);
    EXPECT_TRUE(engine::fits(resources, problem.budget));
    EXPECT_EQ(resources.peak_sram_bytes, candidate.resources.peak_sram_bytes);
    EXPECT_EQ(candidate.accuracy, accuracy.accuracy_of(candidate.subnet));
  }
  for (const Generation& generation : state.generations) {
    EXPECT_EQ(generation.evaluated, 100);
    EXPECT_GE(generation.planned, generation.fitting);
  }
}

TEST(Evolution, BeatsRandomSearchAtEqualEvaluations) {
  const SearchProblem problem = mobile_problem();
  int wins = 0;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    SyntheticAccuracy accuracy(seed);
    EvolutionOptions options;
    options.iterations = 10;
    options.seed = seed;
    const SearchState evolved = evolve(problem, accuracy, options);
    const SearchState random =
        search_randomly(problem, accuracy, {.evaluations = 1100, .seed = seed});
    ASSERT_EQ(evolved.evaluated.size(), random.evaluated.size());
    EXPECT_GE(evolved.best()->accuracy, random.best()->accuracy);
    wins += evolved.best()->accuracy > random.best()->accuracy ? 1 : 0;
  }
  EXPECT_EQ(wins, 6);
}

TEST(Evolution, SharesItsFirstGenerationWithRandomSearch) {
  const SearchProblem problem = make_small_problem();
  SyntheticAccuracy accuracy(3);
  EvolutionOptions options = small_options(9);
  options.iterations = 0;
  const SearchState evolved = evolve(problem, accuracy, options);
  const SearchState random =
      search_randomly(problem, accuracy, {.evaluations = 24, .batch = 24, .seed = 9});
  EXPECT_EQ(comparable(problem, evolved), comparable(problem, random));
}

TEST(Evolution, ResumesExactlyAfterEveryGeneration) {
  const SearchProblem problem = make_small_problem();
  SyntheticAccuracy accuracy(2);
  for (int screening : {1, 3}) {
    EvolutionOptions options = small_options(4);
    options.iterations = 6;
    options.screening = screening;
    std::vector<std::string> saved;
    const SearchState whole = evolve(problem, accuracy, options, {}, [&](const SearchState& state) {
      saved.push_back(state_to_json(problem.space, state));
    });
    ASSERT_EQ(saved.size(), 7u);
    for (const std::string& text : saved) {
      const SearchState resumed =
          evolve(problem, accuracy, options, state_from_json(problem.space, text, "state"));
      EXPECT_EQ(comparable(problem, resumed), comparable(problem, whole));
    }
  }
}

TEST(RandomSearch, ResumesExactlyAfterEveryGeneration) {
  const SearchProblem problem = make_small_problem();
  SyntheticAccuracy accuracy(2);
  const RandomSearchOptions options{.evaluations = 70, .batch = 20, .seed = 5};
  std::vector<std::string> saved;
  const SearchState whole = search_randomly(
      problem, accuracy, options, {},
      [&](const SearchState& state) { saved.push_back(state_to_json(problem.space, state)); });
  ASSERT_EQ(saved.size(), 4u);
  EXPECT_EQ(whole.evaluated.size(), 70u);
  for (const std::string& text : saved) {
    const SearchState resumed =
        search_randomly(problem, accuracy, options, state_from_json(problem.space, text, "state"));
    EXPECT_EQ(comparable(problem, resumed), comparable(problem, whole));
  }
}

TEST(Evolution, DoesNotDependOnTheNumberOfThreads) {
  SearchProblem problem = mobile_problem();
  SyntheticAccuracy accuracy(7);
  EvolutionOptions options;
  options.iterations = 4;
  std::set<std::string> results;
  for (int threads : {1, 2, 5}) {
    problem.threads = threads;
    results.insert(comparable(problem, evolve(problem, accuracy, options)));
  }
  EXPECT_EQ(results.size(), 1u);
}

TEST(Evolution, OtherSeedsEvaluateOtherNetworks) {
  const SearchProblem problem = make_small_problem();
  SyntheticAccuracy accuracy(7);
  EXPECT_NE(comparable(problem, evolve(problem, accuracy, small_options(1))),
            comparable(problem, evolve(problem, accuracy, small_options(2))));
}

TEST(Evolution, AnInfeasibleBudgetIsAResultThatNamesTheLimit) {
  SearchProblem problem = make_small_problem();
  problem.budget = {.sram_bytes = 100, .flash_bytes = 1 << 20};
  SyntheticAccuracy accuracy(0);
  SubnetOracle oracle(problem.oracle);
  const std::int64_t least = oracle.measure(problem.space, smallest(problem.space)).peak_sram_bytes;
  const SearchState state = evolve(problem, accuracy, small_options());
  EXPECT_EQ(state.best(), nullptr);
  EXPECT_EQ(accuracy.asked, 0);
  EXPECT_THAT(state.infeasible,
              ElementsAre("SRAM: the limit is 100 bytes, the smallest of the networks needs " +
                          std::to_string(least)));
  EXPECT_EQ(search_randomly(problem, accuracy, {.evaluations = 10}).infeasible, state.infeasible);

  // What it says works.
  problem.budget.sram_bytes = least;
  EXPECT_NE(evolve(problem, accuracy, small_options()).best(), nullptr);
}

TEST(Evolution, FindsTheOneNetworkThatFits) {
  SearchProblem problem = mobile_problem();
  SubnetOracle oracle(problem.oracle);
  const engine::Resources least = oracle.measure(problem.space, smallest(problem.space));
  problem.budget = {.sram_bytes = least.peak_sram_bytes, .flash_bytes = least.flash_bytes};
  SyntheticAccuracy accuracy(0);
  EvolutionOptions options = small_options();
  options.attempts_per_candidate = 20;
  const SearchState state = evolve(problem, accuracy, options);
  ASSERT_NE(state.best(), nullptr);
  EXPECT_EQ(state.evaluated.size(), 1u);
  EXPECT_TRUE(state.is_exhausted);
}

TEST(Evolution, EndsWhenTheSpaceHasNoMoreNetworks) {
  const SearchProblem problem{.space = space::make_tiny_space(), .threads = 1};
  SyntheticAccuracy accuracy(0);
  const SearchState state = evolve(problem, accuracy, small_options());
  EXPECT_TRUE(state.is_exhausted);
  EXPECT_EQ(state.evaluated.size(), 18u);
  EXPECT_EQ(search_randomly(problem, accuracy, {.evaluations = 50}).evaluated.size(), 18u);
}

TEST(Evolution, WithoutKeptParentsTheyComeFromTheLastGeneration) {
  const SearchProblem problem = mobile_problem();
  SyntheticAccuracy accuracy(5);
  EvolutionOptions options = small_options();
  options.keep_parents = false;
  options.parents = 1;
  options.crossovers = 0;
  options.mutations = 24;
  options.mutation_probability = 0.02;
  options.iterations = 2;
  const SearchState state = evolve(problem, accuracy, options);
  // The children of one parent differ from it in few genes.
  const auto first = state.evaluated.begin() + 24;
  const auto parent = *std::max_element(
      first, first + 24,
      [](const Candidate& a, const Candidate& b) { return a.accuracy < b.accuracy; });
  for (std::size_t i = 48; i < 72; ++i) {
    int differences = 0;
    for (std::size_t b = 0; b < parent.subnet.blocks.size(); ++b) {
      differences += state.evaluated[i].subnet.blocks[b] == parent.subnet.blocks[b] ? 0 : 1;
    }
    EXPECT_LE(differences, 8);
  }
}

TEST(Evolution, ScreeningFindsBetterNetworksWithAsManyEvaluations) {
  const SearchProblem problem = mobile_problem();
  double plain = 0;
  double screened = 0;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    SyntheticAccuracy accuracy(seed);
    EvolutionOptions options;
    options.iterations = 5;
    options.seed = seed;
    plain += evolve(problem, accuracy, options).best()->accuracy;
    options.screening = 8;
    const SearchState state = evolve(problem, accuracy, options);
    screened += state.best()->accuracy;
    EXPECT_EQ(state.evaluated.size(), 600u);
    EXPECT_FALSE(state.generations[0].predictor_rank_correlation.has_value());
    EXPECT_GT(*state.generations[5].predictor_rank_correlation, 0.6);
  }
  EXPECT_GT(screened, plain);
}

// An estimator that gives too few values.
class Forgetful : public SyntheticAccuracy {
 public:
  using SyntheticAccuracy::SyntheticAccuracy;
  void estimate_each(std::span<const space::Subnet> subnets, const Arrival& arrived) override {
    arrived(0, estimate(subnets[0]));
  }
};

TEST(Evolution, RefusesWhatCannotBe) {
  const SearchProblem problem = make_small_problem();
  SyntheticAccuracy accuracy(0);
  const auto complaint = [&](auto change) {
    EvolutionOptions options = small_options();
    change(options);
    return error_of([&] { evolve(problem, accuracy, options); });
  };
  EXPECT_THAT(complaint([](auto& o) { o.population = 0; }), "population: must be at least 1, is 0");
  EXPECT_THAT(complaint([](auto& o) { o.parents = 0; }), StartsWith("parents: "));
  EXPECT_THAT(complaint([](auto& o) { o.iterations = -1; }), StartsWith("iterations: "));
  EXPECT_THAT(complaint([](auto& o) { o.screening = 0; }), StartsWith("screening: "));
  EXPECT_THAT(complaint([](auto& o) { o.crossovers = o.mutations = 0; }),
              StartsWith("crossovers + mutations: "));
  EXPECT_THAT(complaint([](auto& o) { o.mutation_probability = 0; }),
              StartsWith("mutation_probability: "));
  EXPECT_THAT(complaint([](auto& o) { o.attempts_per_candidate = 0; }),
              StartsWith("attempts_per_candidate: "));
  Forgetful forgetful(0);
  EXPECT_THAT(error_of([&] { evolve(problem, forgetful, small_options()); }),
              HasSubstr("gave 1 values for 24 sub-networks"));
  EXPECT_EQ(accuracy.asked, 0);
}

}  // namespace
}  // namespace mcunet::search
