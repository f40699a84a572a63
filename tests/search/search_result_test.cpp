#include "mcunet/search/search_result.hpp"

#include <gtest/gtest.h>

#include "synthetic_accuracy.hpp"

namespace mcunet::search {
namespace {

Candidate network(double accuracy, std::int64_t sram, double latency_ms = 1) {
  return {
      smallest(make_small_space()), {.peak_sram_bytes = sram, .latency_ms = latency_ms}, accuracy};
}

SearchState state_of(std::vector<Candidate> networks) {
  SearchState state;
  state.evaluated = std::move(networks);
  return state;
}

TEST(SearchResult, TheWinnerIsTheBestThatWasMeasuredWhateverFoundIt) {
  const Candidate good = network(0.8, 200);
  const Candidate better = network(0.9, 300);
  struct Case {
    std::vector<Candidate> evolution, random, front;
    std::string_view found_by;
    std::int64_t sram;
  };
  const Case cases[] = {
      {{better, good}, {good}, {better, good}, "evolution", 300},
      {{good}, {better}, {good}, "random search", 300},
      {{good}, {}, {good, better}, "front", 300},
      // Of equals the one of less SRAM, then of less latency, then evolution's.
      {{better}, {network(0.9, 299)}, {better}, "random search", 299},
      {{better}, {network(0.9, 300, 0.5)}, {better}, "random search", 300},
      {{better}, {network(0.9, 301, 0.5)}, {better}, "evolution", 300},
      {{better}, {better}, {better}, "evolution", 300},
  };
  for (const Case& c : cases) {
    const SearchResult result{state_of(c.evolution), state_of(c.random), state_of(c.front)};
    EXPECT_EQ(result.winner().found_by, c.found_by);
    EXPECT_EQ(result.winner().network.resources.peak_sram_bytes, c.sram);
    EXPECT_EQ(result.evaluations(), std::ssize(c.front) + std::ssize(c.random));
  }
}

TEST(SearchResult, RanksEveryNetworkOnce) {
  const space::SearchSpace space = make_small_space();
  Candidate first = network(0.9, 300);
  Candidate second = network(0.8, 200);
  second.subnet = largest(space);
  Candidate third = network(0.7, 200);
  third.subnet = space::neighbours(space, third.subnet).front();
  const SearchResult result{state_of({second}), state_of({second, third}),
                            state_of({second, first})};
  const std::vector<Candidate> ranking = result.ranking();
  ASSERT_EQ(ranking.size(), 3u);
  EXPECT_EQ(ranking[0].subnet, result.winner().network.subnet);
  EXPECT_EQ(ranking[1].subnet, second.subnet);
  EXPECT_EQ(ranking[2].subnet, third.subnet);
  EXPECT_TRUE(SearchResult{}.ranking().empty());
}

TEST(SearchResult, OverheadIsWhatTheAccuraciesDidNotTake) {
  SearchResult result;
  EXPECT_EQ(result.overhead_share(), 0);
  EXPECT_FALSE(result.is_feasible());
  result.front.seconds = 8;
  result.front.accuracy_seconds = 7.5;
  result.random.seconds = 2;
  result.random.accuracy_seconds = 1.5;
  EXPECT_DOUBLE_EQ(result.overhead_share(), 0.1);
}

}  // namespace
}  // namespace mcunet::search
