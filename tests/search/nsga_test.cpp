#include "mcunet/search/nsga.hpp"

#include <gmock/gmock.h>

#include "core/error_text.hpp"
#include "mcunet/search/evolution.hpp"
#include "synthetic_accuracy.hpp"

namespace mcunet::search {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

FrontOptions small_options(std::vector<Objective> objectives) {
  return {.objectives = std::move(objectives),
          .population = 40,
          .iterations = 25,
          .attempts_per_candidate = 100};
}

// Up to the worst value of each objective among all networks, which lies just inside.
Point reference_of(const std::vector<Point>& all) {
  Point reference = all.front();
  for (const Point& point : all) {
    for (std::size_t i = 0; i < point.size(); ++i) {
      reference[i] = std::max(reference[i], point[i] + 1e-6 * std::abs(point[i]));
    }
  }
  return reference;
}

TEST(Nsga, ComesCloseToTheTrueFront) {
  SearchProblem problem = make_small_problem();
  problem.budget = {};
  for (const auto& objectives :
       {std::vector{Objective::kAccuracy, Objective::kSram},
        std::vector{Objective::kAccuracy, Objective::kSram, Objective::kMacs}}) {
    SyntheticAccuracy accuracy(1);
    const std::vector<Point> all = points_of(enumerate_candidates(problem, accuracy), objectives);
    const SearchState state = search_front(problem, accuracy, small_options(objectives));
    const SearchState random = search_randomly(
        problem, accuracy, {.evaluations = static_cast<std::int64_t>(state.evaluated.size())});
    ASSERT_LT(state.evaluated.size(), all.size() / 3);
    const Point reference = reference_of(all);
    const double best = hypervolume(all, reference);
    const double found = hypervolume(points_of(state.evaluated, objectives), reference);
    EXPECT_GT(found, 0.99 * best);
    EXPECT_LE(found, best);
    EXPECT_GT(found, hypervolume(points_of(random.evaluated, objectives), reference));
  }
}

TEST(Nsga, FindsTheWholeFrontOfTwoObjectivesInTheEnd) {
  SearchProblem problem{.space = space::make_tiny_space(), .threads = 1};
  problem.space.stages[0].expand_ratios = {3, 4};
  SyntheticAccuracy accuracy(6);
  const std::vector<Objective> objectives = {Objective::kAccuracy, Objective::kFlash};
  const std::vector<Point> all = points_of(enumerate_candidates(problem, accuracy), objectives);
  FrontOptions options = small_options(objectives);
  options.population = 10;
  const SearchState state = search_front(problem, accuracy, options);
  std::vector<Point> truth;
  for (std::size_t i : front_of(all)) truth.push_back(all[i]);
  const std::vector<Point> found = points_of(state.evaluated, objectives);
  std::vector<Point> front;
  for (std::size_t i : front_of(found)) front.push_back(found[i]);
  EXPECT_THAT(front, testing::UnorderedElementsAreArray(truth));
}

TEST(Nsga, GoesOnFromWhatAnotherSearchEvaluated) {
  const SearchProblem problem = make_small_problem();
  SyntheticAccuracy accuracy(2);
  const SearchState evolved = evolve(
      problem, accuracy, {.population = 30, .crossovers = 15, .mutations = 15, .iterations = 2});
  FrontOptions options = small_options({Objective::kAccuracy, Objective::kMacs});
  options.iterations = 3;
  const SearchState state = search_front(problem, accuracy, options, evolved);
  EXPECT_EQ(state.evaluated.size(), 90u + 120u);
  EXPECT_EQ(state.evaluated[5].subnet, evolved.evaluated[5].subnet);
}

TEST(Nsga, ResumesExactlyAfterEveryGeneration) {
  const SearchProblem problem = make_small_problem();
  SyntheticAccuracy accuracy(2);
  FrontOptions options = small_options({Objective::kAccuracy, Objective::kLatency});
  options.iterations = 5;
  std::vector<std::string> saved;
  const SearchState whole = search_front(
      problem, accuracy, options, {},
      [&](const SearchState& state) { saved.push_back(state_to_json(problem.space, state)); });
  ASSERT_EQ(saved.size(), 6u);
  for (const std::string& text : saved) {
    const SearchState resumed =
        search_front(problem, accuracy, options, state_from_json(problem.space, text, "state"));
    EXPECT_EQ(comparable(problem, resumed), comparable(problem, whole));
  }
}

TEST(Nsga, AnInfeasibleBudgetIsAResult) {
  SearchProblem problem = make_small_problem();
  problem.budget = {.flash_bytes = 10};
  SyntheticAccuracy accuracy(2);
  const SearchState state =
      search_front(problem, accuracy, small_options({Objective::kAccuracy, Objective::kSram}));
  EXPECT_THAT(state.infeasible, ElementsAre(StartsWith("flash: the limit is 10 bytes")));
  EXPECT_EQ(accuracy.asked, 0);
}

TEST(Nsga, RefusesWhatCannotBe) {
  const SearchProblem problem = make_small_problem();
  SyntheticAccuracy accuracy(2);
  const auto complaint = [&](const FrontOptions& options) {
    return error_of([&] { search_front(problem, accuracy, options); });
  };
  EXPECT_EQ(complaint({.objectives = {Objective::kSram}}), "objectives: must be at least 2, are 1");
  EXPECT_EQ(complaint({.objectives = {Objective::kSram, Objective::kSram}}),
            "objectives: sram stands there twice");
  EXPECT_EQ(complaint({.population = 1}), "population: must be at least 2, is 1");
  EXPECT_EQ(complaint({.iterations = -1}), "iterations: must be at least 0, is -1");
  EXPECT_THAT(complaint({.mutation_probability = 2}), StartsWith("mutation_probability: "));
}

}  // namespace
}  // namespace mcunet::search
