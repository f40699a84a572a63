#include "mcunet/search/search_state.hpp"

#include <gmock/gmock.h>

#include "core/error_text.hpp"
#include "mcunet/search/evolution.hpp"
#include "synthetic_accuracy.hpp"

namespace mcunet::search {
namespace {

using testing::StartsWith;

SearchState make_state() {
  SearchState state;
  const double accuracies[] = {0.2, 0.4, 0.1, 0.3, 0.5};
  for (double accuracy : accuracies) {
    state.evaluated.push_back({smallest(make_small_space()), {}, accuracy});
  }
  state.generations = {{.evaluated = 2, .planned = 8, .fitting = 2},
                       {.evaluated = 3, .planned = 3, .fitting = 3}};
  return state;
}

TEST(SearchState, SummarizesGenerations) {
  const std::vector<GenerationSummary> rows = summarize(make_state());
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].evaluations, 2);
  EXPECT_EQ(rows[0].best, 0.4);
  EXPECT_DOUBLE_EQ(rows[0].mean, 0.3);
  EXPECT_EQ(rows[0].hit_rate, 0.25);
  EXPECT_EQ(rows[1].evaluations, 5);
  EXPECT_EQ(rows[1].best, 0.5);
  EXPECT_DOUBLE_EQ(rows[1].mean, 0.3);
  EXPECT_EQ(rows[1].min, 0.1);
  EXPECT_EQ(rows[1].max, 0.5);
}

TEST(SearchState, TheBestOfEqualsHasLessSramThenLessLatency) {
  SearchState state = make_state();
  EXPECT_EQ(state.best(), &state.evaluated[4]);
  state.evaluated[1].accuracy = 0.5;
  EXPECT_EQ(state.best(), &state.evaluated[1]);
  state.evaluated[1].resources.latency_ms = 2;
  EXPECT_EQ(state.best(), &state.evaluated[4]);
  state.evaluated[4].resources.peak_sram_bytes = 1;
  EXPECT_EQ(state.best(), &state.evaluated[1]);
  EXPECT_EQ(SearchState{}.best(), nullptr);
}

TEST(SearchState, JsonRoundTripIsExact) {
  const SearchProblem problem = make_small_problem();
  SyntheticAccuracy accuracy(1);
  const SearchState state =
      evolve(problem, accuracy, {.population = 20, .iterations = 2, .screening = 2});
  const std::string text = state_to_json(problem.space, state);
  const SearchState back = state_from_json(problem.space, text, "state.json");
  EXPECT_EQ(state_to_json(problem.space, back), text);
  ASSERT_EQ(back.evaluated.size(), state.evaluated.size());
  for (std::size_t i = 0; i < back.evaluated.size(); ++i) {
    EXPECT_EQ(back.evaluated[i].subnet, state.evaluated[i].subnet);
    EXPECT_EQ(back.evaluated[i].accuracy, state.evaluated[i].accuracy);
    const engine::Resources& resources = back.evaluated[i].resources;
    EXPECT_EQ(resources.latency_ms, state.evaluated[i].resources.latency_ms);
    EXPECT_EQ(resources.latency_ms_low, state.evaluated[i].resources.latency_ms_low);
    EXPECT_EQ(resources.latency_ms_high, state.evaluated[i].resources.latency_ms_high);
    EXPECT_LT(resources.latency_ms_low, resources.latency_ms);
    EXPECT_LT(resources.latency_ms, resources.latency_ms_high);
    EXPECT_EQ(back.evaluated[i].resources.is_optimal, state.evaluated[i].resources.is_optimal);
  }
  SearchState none;
  none.infeasible = {"SRAM: too little"};
  EXPECT_EQ(state_from_json(problem.space, state_to_json(problem.space, none), "s").infeasible,
            none.infeasible);
}

TEST(SearchState, RefusesDamagedText) {
  const space::SearchSpace space = make_small_space();
  const std::string good = state_to_json(space, make_state());
  for (const std::string& text :
       {std::string(), good.substr(0, good.size() / 2), std::string("{}"), std::string("[]")}) {
    EXPECT_THAT(error_of([&] { state_from_json(space, text, "state.json"); }),
                StartsWith("state.json: is no state of this search: "));
  }
  SearchState wrong = make_state();
  wrong.generations[0].evaluated = 7;
  EXPECT_EQ(
      error_of([&] { state_from_json(space, state_to_json(space, wrong), "state.json"); }),
      "state.json: is no state of this search: it has 5 networks in generations of 10; remove "
      "it, and the search goes on with --resume from the accuracies that it has");
  const space::SearchSpace other = space::load_shipped_space("proxyless");
  EXPECT_THAT(error_of([&] { state_from_json(other, good, "state.json"); }),
              StartsWith("state.json: "));
}

}  // namespace
}  // namespace mcunet::search
