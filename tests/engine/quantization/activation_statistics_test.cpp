#include "mcunet/engine/quantization/activation_statistics.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <vector>

#include "mcunet/core/error.hpp"
#include "mcunet/core/random.hpp"

namespace mcunet::engine {
namespace {

std::vector<float> normal_values(std::size_t count, std::uint64_t seed) {
  RandomStream random(seed);
  std::vector<float> values(count);
  for (float& value : values) {
    const double radius = std::sqrt(-2 * std::log(1 - random.uniform()));
    value = static_cast<float>(radius * std::cos(2 * M_PI * random.uniform()));
  }
  return values;
}

// The mean squared error of int8 over the values themselves.
double mean_error(const std::vector<float>& values, RealRange range) {
  const Quantization q = activation_quantization(range, DataType::kInt8);
  double error = 0;
  for (float value : values) {
    const double steps = std::round(value / q.scale) + q.zero_point;
    const double real = (std::clamp(steps, -128.0, 127.0) - q.zero_point) * q.scale;
    error += (real - value) * (real - value);
  }
  return error / static_cast<double>(values.size());
}

TEST(ActivationStatistics, MinMaxIsExactWhateverTheOrder) {
  ActivationStatistics statistics;
  statistics.observe(std::vector<float>{0, 0});
  statistics.observe(std::vector<float>{0.25F, -0.5F});
  statistics.observe(std::vector<float>{100, 3});
  EXPECT_EQ(statistics.range(RangeMethod::kMinMax, DataType::kInt8).min, -0.5F);
  EXPECT_EQ(statistics.range(RangeMethod::kMinMax, DataType::kInt8).max, 100.0F);
}

TEST(ActivationStatistics, PercentileLeavesOutRareOutliers) {
  std::vector<float> values = normal_values(100'000, 1);
  for (float& value : values) value = std::abs(value);
  ActivationStatistics statistics;
  statistics.observe(values);
  statistics.observe(std::vector<float>{500, 600});
  const RealRange range = statistics.range(RangeMethod::kPercentile, DataType::kInt8);
  // P(|x| < 3.89) = 0.9999 of a normal distribution; a bin is 600 * 4 / 4096 wide at most.
  EXPECT_NEAR(range.max, 3.89, 0.8);
  EXPECT_EQ(range.min, *std::min_element(values.begin(), values.end()));
}

TEST(ActivationStatistics, MseRangeIsAsGoodAsAnExhaustiveSearch) {
  std::vector<float> values = normal_values(10'000, 2);
  values.push_back(12);
  values.push_back(-9);
  ActivationStatistics statistics;
  statistics.observe(values);
  double least = mean_error(values, {-9, 12});
  for (float low = 1; low < 9.5F; low += 0.25F) {
    for (float high = 1; high < 12.5F; high += 0.25F) {
      least = std::min(least, mean_error(values, {-low, high}));
    }
  }
  EXPECT_LT(mean_error(values, statistics.range(RangeMethod::kMse, DataType::kInt8)), 1.25 * least);
}

TEST(ActivationStatistics, MseRangeGivesUpARareOutlierForFinerSteps) {
  std::vector<float> values = normal_values(1'000'000, 3);
  values.push_back(20);
  ActivationStatistics statistics;
  statistics.observe(values);
  EXPECT_LT(mean_error(values, statistics.range(RangeMethod::kMse, DataType::kInt8)),
            0.7 * mean_error(values, statistics.range(RangeMethod::kMinMax, DataType::kInt8)));
}

TEST(ActivationStatistics, ZerosAreARange) {
  ActivationStatistics statistics;
  statistics.observe(std::vector<float>(10, 0.0F));
  for (RangeMethod method : {RangeMethod::kMinMax, RangeMethod::kPercentile, RangeMethod::kMse}) {
    EXPECT_EQ(statistics.range(method, DataType::kInt8).min, 0);
    EXPECT_EQ(statistics.range(method, DataType::kInt8).max, 0);
  }
}

TEST(ActivationStatistics, RefusesWhatIsNoNumber) {
  EXPECT_THROW((void)ActivationStatistics().range(RangeMethod::kMse, DataType::kInt8), Error);
  ActivationStatistics statistics;
  statistics.observe(std::vector<float>{1, std::numeric_limits<float>::quiet_NaN()});
  EXPECT_THROW((void)statistics.range(RangeMethod::kMinMax, DataType::kInt8), Error);
}

}  // namespace
}  // namespace mcunet::engine
