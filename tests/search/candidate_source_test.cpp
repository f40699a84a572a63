#include "candidate_source.hpp"

#include <gmock/gmock.h>

#include "synthetic_accuracy.hpp"

namespace mcunet::search {
namespace {

TEST(CandidateSource, CountsProposalsByWhatBecameOfThem) {
  const SearchProblem problem = make_small_problem();
  const SearchState state;
  CandidateSource source(problem, 0, 50, state);
  // Three networks in turn: one that fits, one that does not, one that fits.
  const space::Subnet fits = smallest(problem.space);
  space::Subnet other = fits;
  other.blocks[0].kernel = 5;
  int turn = 0;
  Generation tally;
  const auto found =
      source.draw({.propose =
                       [&](RandomStream&) {
                         const int i = turn++ % 3;
                         return i == 0 ? fits : i == 1 ? largest(problem.space) : other;
                       },
                   .count = 4},
                  tally);
  EXPECT_EQ(turn, 200) << "4 networks wanted, 50 attempts each";
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].subnet, fits);
  EXPECT_EQ(found[1].subnet, other);
  EXPECT_EQ(tally.fitting, 2);
  EXPECT_EQ(tally.planned + tally.duplicates, 200);
  EXPECT_EQ(tally.duplicates, 67 + 66 - 2);
}

TEST(CandidateSource, NetworksOfTheStateAreNotDrawnAgain) {
  const SearchProblem problem{.space = space::make_tiny_space(), .threads = 1};
  SearchState state;
  SyntheticAccuracy accuracy(0);
  CandidateSource source(problem, 0, 200, state);
  Generation tally;
  source.evaluate(source.sample(space::Sampling::kUniformNetworks, 0, 12, tally), tally, accuracy,
                  state);
  CandidateSource resumed(problem, 1, 200, state);
  const auto rest = resumed.sample(space::Sampling::kUniformNetworks, 1, 18, tally);
  EXPECT_EQ(rest.size(), 6u);
  for (const Candidate& candidate : rest) {
    for (const Candidate& known : state.evaluated) EXPECT_NE(candidate.subnet, known.subnet);
  }
}

}  // namespace
}  // namespace mcunet::search
