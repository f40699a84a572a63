#include "mcunet/search/accuracy_predictor.hpp"

#include <gmock/gmock.h>

#include "core/error_text.hpp"
#include "mcunet/search/evolution.hpp"
#include "mcunet/search/rank_correlation.hpp"
#include "synthetic_accuracy.hpp"

namespace mcunet::search {
namespace {

std::vector<Candidate> sample_candidates(const SearchProblem& problem, std::uint64_t seed,
                                         std::int64_t count) {
  SyntheticAccuracy accuracy(3);
  return search_randomly(problem, accuracy, {.evaluations = count, .seed = seed}).evaluated;
}

TEST(AccuracyPredictor, RanksNetworksItHasNotSeen) {
  const SearchProblem problem{.space = space::load_shipped_space("proxyless").at(0.5, 128)};
  const std::vector<Candidate> learnt = sample_candidates(problem, 1, 400);
  const std::vector<Candidate> unseen = sample_candidates(problem, 2, 200);
  const AccuracyPredictor predictor(problem.space, learnt);
  std::vector<double> measured;
  for (const Candidate& candidate : unseen) measured.push_back(candidate.accuracy);
  const double correlation = rank_correlation(measured, predictor.predict(unseen)).value();
  EXPECT_GT(correlation, 0.65);
  EXPECT_NEAR(held_out_rank_correlation(problem.space, learnt), correlation, 0.1);
}

TEST(AccuracyPredictor, FindsNothingWhereThereIsNothing) {
  const SearchProblem problem{.space = space::load_shipped_space("proxyless").at(0.5, 128)};
  std::vector<Candidate> learnt = sample_candidates(problem, 1, 400);
  RandomStream random(8);
  for (Candidate& candidate : learnt) candidate.accuracy = random.uniform();
  EXPECT_LT(std::abs(held_out_rank_correlation(problem.space, learnt)), 0.2);
}

TEST(AccuracyPredictor, LearnsALinearFunctionOfItsGenes) {
  const SearchProblem problem{.space = make_small_space(), .threads = 1};
  std::vector<Candidate> all = enumerate_candidates(problem, SyntheticAccuracy(0));
  for (Candidate& c : all) {
    c.accuracy = 0.1 + 0.05 * c.subnet.depths[0] + 0.02 * c.subnet.blocks[2].kernel +
                 (c.subnet.resolution == 48 ? 0.1 : 0);
  }
  const AccuracyPredictor predictor(problem.space, std::span(all).first(300));
  const std::vector<double> expected = predictor.predict(std::span(all).last(100));
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_NEAR(expected[i], all[all.size() - 100 + i].accuracy, 0.01);
  }
}

TEST(AccuracyPredictor, BearsEqualAccuraciesAndRefusesOne) {
  const SearchProblem problem{.space = make_small_space(), .threads = 1};
  std::vector<Candidate> few = sample_candidates(problem, 1, 8);
  for (Candidate& candidate : few) candidate.accuracy = 0.25;
  for (double value : AccuracyPredictor(problem.space, few).predict(few)) {
    EXPECT_DOUBLE_EQ(value, 0.25);
  }
  EXPECT_EQ(held_out_rank_correlation(problem.space, few), 0) << "too few to hold any out";
  EXPECT_EQ(error_of([&] { AccuracyPredictor(problem.space, std::span(few).first(1)); }),
            "an accuracy predictor needs at least 2 networks to learn from, not 1");
}

}  // namespace
}  // namespace mcunet::search
