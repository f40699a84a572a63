#include "mcunet/search/rank_correlation.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace mcunet::search {
namespace {

double correlate(const std::vector<double>& a, const std::vector<double>& b) {
  const auto result = rank_correlation(a, b);
  EXPECT_TRUE(result);
  return result.value_or(-2);
}

TEST(RankCorrelation, OnlyTheOrderCounts) {
  EXPECT_DOUBLE_EQ(correlate({1, 2, 3, 4}, {10, 1000, 1001, 1e9}), 1);
  EXPECT_DOUBLE_EQ(correlate({1, 2, 3, 4}, {4, 3, 2, -7}), -1);
}

// 1 - 6 Σd² / (n (n² - 1)), with d = 0, -1, 1, -2, 2.
TEST(RankCorrelation, EqualsTheFormulaWithoutTies) {
  EXPECT_DOUBLE_EQ(correlate({1, 2, 3, 4, 5}, {1, 3, 2, 6, 4}), 0.8);
  EXPECT_DOUBLE_EQ(
      correlate({56, 75, 45, 71, 62, 64, 58, 80, 76, 61}, {66, 70, 40, 60, 65, 56, 59, 77, 67, 63}),
      1 - 6 * 54.0 / 990);
}

// Ranks 1, 2.5, 2.5, 4 and 1.5, 1.5, 3, 4.
TEST(RankCorrelation, TiesShareTheirMeanRank) {
  EXPECT_DOUBLE_EQ(correlate({1, 2, 2, 3}, {5, 5, 6, 7}), 3.75 / 4.5);
}

TEST(RankCorrelation, NeedsTwoDifferentPairs) {
  EXPECT_FALSE(rank_correlation({}, {}));
  EXPECT_FALSE(rank_correlation(std::vector<double>{1}, std::vector<double>{1}));
  EXPECT_FALSE(rank_correlation(std::vector<double>{1, 1}, std::vector<double>{1, 2}));
}

}  // namespace
}  // namespace mcunet::search
