#include "mcunet/core/random.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <vector>

namespace mcunet {
namespace {

std::vector<std::uint64_t> draw(RandomStream stream, int count) {
  std::vector<std::uint64_t> numbers;
  for (int i = 0; i < count; ++i) numbers.push_back(stream());
  return numbers;
}

TEST(RandomStream, DependsOnSeedAndPathAlone) {
  EXPECT_EQ(draw(RandomStream(7, {1, 2}), 20), draw(RandomStream(7, {1, 2}), 20));
}

TEST(RandomStream, EverySeedAndPathIsAnotherStream) {
  std::set<std::uint64_t> first_numbers;
  int streams = 0;
  const auto add = [&](RandomStream stream) {
    first_numbers.insert(stream());
    ++streams;
  };
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    add(RandomStream(seed));
    for (std::uint64_t a = 0; a < 10; ++a) {
      add(RandomStream(seed, {a}));
      for (std::uint64_t b = 0; b < 10; ++b) add(RandomStream(seed, {a, b}));
    }
  }
  EXPECT_EQ(first_numbers.size(), static_cast<std::size_t>(streams));
}

TEST(RandomStream, ShufflesEveryPermutationEquallyOften) {
  RandomStream random(3);
  std::map<std::vector<int>, int> counts;
  for (int i = 0; i < 24'000; ++i) {
    std::vector<int> values = {0, 1, 2, 3};
    random.shuffle(values);
    ++counts[values];
  }
  ASSERT_EQ(counts.size(), 24u);
  double chi_square = 0;
  for (const auto& [order, count] : counts) chi_square += (count - 1000) * (count - 1000) / 1000.0;
  EXPECT_LT(chi_square, 49.7) << "the 99.9 % quantile at 23 degrees of freedom";
}

TEST(RandomStream, ShufflesFromTheBack) {
  std::vector<int> values = {0, 1, 2, 3, 4, 5, 6, 7};
  std::vector<int> expected = values;
  RandomStream(5).shuffle(values);
  RandomStream random(5);
  for (std::uint32_t i = 8; i > 1; --i) std::swap(expected[i - 1], expected[random.index(i)]);
  EXPECT_EQ(values, expected) << "the orders of batches in old runs would change";
}

TEST(RandomStream, PicksByIndex) {
  const std::vector<double> choices = {0.5, 1.5, 2.5};
  RandomStream picking(4);
  RandomStream random(4);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(picking.pick(choices), choices[random.index(3)]);
}

TEST(RandomStream, IsSplitMix64) {
  // What the authors' C program gives from this state.
  RandomStream stream(0);
  stream.restore(1234567);
  EXPECT_EQ(stream(), 6457827717110365317u);
  EXPECT_EQ(stream(), 3203168211198807973u);
  EXPECT_EQ(stream(), 9817491932198370423u);
}

TEST(RandomStream, SeedAndPathAreNotExchangeable) {
  EXPECT_NE(RandomStream(1, {2})(), RandomStream(2, {1})());
  EXPECT_NE(RandomStream(1, {2, 3})(), RandomStream(1, {3, 2})());
  EXPECT_NE(RandomStream(1, {1})(), RandomStream(2, {2})());
  EXPECT_NE(RandomStream(1, {})(), RandomStream(1, {0})());
}

TEST(RandomStream, NeighbouringStreamsAreNotShiftedCopies) {
  const std::vector<std::uint64_t> a = draw(RandomStream(0, {0}), 1000);
  const std::vector<std::uint64_t> b = draw(RandomStream(0, {1}), 1000);
  std::set<std::uint64_t> both(a.begin(), a.end());
  both.insert(b.begin(), b.end());
  EXPECT_EQ(both.size(), 2000u);
}

// Pearson's statistic of `draws` over `bins` of equal probability.
double chi_square(const std::vector<int>& counts, int draws) {
  const double expected = static_cast<double>(draws) / static_cast<double>(counts.size());
  double sum = 0;
  for (int count : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

TEST(RandomStream, IndexIsUniform) {
  // 0.1 % and 99.9 % quantiles of the chi-square distribution with 9 degrees of freedom.
  constexpr double kLow = 1.15;
  constexpr double kHigh = 27.88;
  constexpr int kDraws = 100'000;
  RandomStream stream(1);
  std::vector<int> counts(10);
  for (int i = 0; i < kDraws; ++i) ++counts.at(stream.index(10));
  EXPECT_GT(chi_square(counts, kDraws), kLow);
  EXPECT_LT(chi_square(counts, kDraws), kHigh);
}

TEST(RandomStream, FirstIndicesOfManyStreamsAreUniform) {
  constexpr int kStreams = 100'000;
  std::vector<int> counts(10);
  for (std::uint64_t i = 0; i < kStreams; ++i)
    ++counts.at(RandomStream(0, {500'000, 144, i}).index(10));
  EXPECT_GT(chi_square(counts, kStreams), 1.15);
  EXPECT_LT(chi_square(counts, kStreams), 27.88);
}

TEST(RandomStream, ConsecutiveIndicesAreIndependent) {
  // 99.9 % quantile with 8 degrees of freedom.
  constexpr int kPairs = 90'000;
  RandomStream stream(3);
  std::vector<int> counts(9);
  for (int i = 0; i < kPairs; ++i) {
    const std::uint32_t first = stream.index(3);
    ++counts.at(3 * first + stream.index(3));
  }
  EXPECT_LT(chi_square(counts, kPairs), 26.12);
}

TEST(RandomStream, IndexOfOneIsZero) {
  RandomStream stream(1);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(stream.index(1), 0u);
}

TEST(RandomStream, UniformCoversTheUnitInterval) {
  RandomStream stream(2);
  std::vector<double> values(100'000);
  double sum = 0;
  for (double& value : values) sum += value = stream.uniform();
  EXPECT_GE(*std::min_element(values.begin(), values.end()), 0.0);
  EXPECT_LT(*std::max_element(values.begin(), values.end()), 1.0);
  EXPECT_LT(*std::min_element(values.begin(), values.end()), 1e-4);
  EXPECT_GT(*std::max_element(values.begin(), values.end()), 1 - 1e-4);
  // Five standard errors of the mean.
  EXPECT_NEAR(sum / 100'000, 0.5, 5 * 0.2887 / 316.2);
}

TEST(RandomStream, RestoreContinuesWhereTheStateWasSaved) {
  RandomStream stream(5, {6});
  draw(stream, 3);
  stream();
  const std::uint64_t state = stream.state();
  const std::vector<std::uint64_t> next = draw(stream, 10);
  RandomStream other(99);
  other.restore(state);
  EXPECT_EQ(draw(other, 10), next);
}

TEST(RandomStream, WorksWithTheStandardLibrary) {
  static_assert(std::uniform_random_bit_generator<RandomStream>);
  std::vector<int> values(20);
  for (int i = 0; i < 20; ++i) values[i] = i;
  std::vector<int> shuffled = values;
  std::shuffle(shuffled.begin(), shuffled.end(), RandomStream(1));
  EXPECT_NE(shuffled, values);
  EXPECT_TRUE(std::is_permutation(shuffled.begin(), shuffled.end(), values.begin()));
}

}  // namespace
}  // namespace mcunet
