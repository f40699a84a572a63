#include "learning_rate.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace mcunet::supernet {
namespace {

TEST(LearningRate, IsHalfACosine) {
  const LearningRateSchedule schedule{.peak = 0.4, .steps = 12};
  EXPECT_DOUBLE_EQ(schedule.at(0), 0.4);
  EXPECT_NEAR(schedule.at(3), 0.4 * (0.5 + std::sqrt(0.5) / 2), 1e-12);
  EXPECT_NEAR(schedule.at(4), 0.3, 1e-12);
  EXPECT_NEAR(schedule.at(6), 0.2, 1e-12);
  EXPECT_NEAR(schedule.at(8), 0.1, 1e-12);
  EXPECT_NEAR(schedule.at(12), 0, 1e-12);
}

TEST(LearningRate, RisesLinearlyFirst) {
  const LearningRateSchedule schedule{.peak = 0.4, .warmup_steps = 4, .steps = 16};
  EXPECT_DOUBLE_EQ(schedule.at(0), 0.1);
  EXPECT_DOUBLE_EQ(schedule.at(1), 0.2);
  EXPECT_DOUBLE_EQ(schedule.at(3), 0.4);
  EXPECT_DOUBLE_EQ(schedule.at(4), 0.4);
  EXPECT_NEAR(schedule.at(10), 0.2, 1e-12);
  EXPECT_NEAR(schedule.at(15), 0.2 * (1 + std::cos(std::numbers::pi * 11 / 12)), 1e-12);
}

TEST(LearningRate, MayBeWarmUpAlone) {
  const LearningRateSchedule schedule{.peak = 1, .warmup_steps = 4, .steps = 4};
  EXPECT_DOUBLE_EQ(schedule.at(3), 1);
}

}  // namespace
}  // namespace mcunet::supernet
