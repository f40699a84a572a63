#include "series.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace {

using testing::ElementsAre;

std::vector<std::int8_t> input_of(const std::vector<float>& values, std::int32_t averaged,
                                  const std::vector<float>& zeros,
                                  const std::vector<float>& steps) {
  const auto channels = static_cast<std::int32_t>(zeros.size());
  const auto samples = static_cast<std::int32_t>(values.size()) / channels / averaged;
  const mcunet_series_layer layer{samples, channels, averaged, zeros.data(), steps.data()};
  std::vector<std::int8_t> input(static_cast<std::size_t>(samples * channels));
  mcunet_series_to_input(values.data(), input.data(), &layer);
  return input;
}

TEST(Series, LevelsAreRoundedAndSaturate) {
  EXPECT_THAT(
      input_of({0, 0.49F, 0.51F, -0.49F, -0.51F, 126.4F, 127.6F, 1e9F, -127.4F, -127.6F, -1e9F}, 1,
               {0}, {1}),
      ElementsAre(0, 0, 1, 0, -1, 126, 127, 127, -127, -128, -128));
  EXPECT_THAT(input_of({10, 12, 8}, 1, {10}, {0.5F}), ElementsAre(0, 4, -4));
}

TEST(Series, WhatIsNoNumberIsTheLowestLevel) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_THAT(input_of({nan, infinity, -infinity}, 1, {0}, {1}), ElementsAre(-128, 127, -128));
}

// Against double precision: every level is the nearest, up to what 32-bit floats round.
TEST(Series, AveragesRowsOfEachChannel) {
  constexpr int kChannels = 3;
  constexpr int kRows = 240;
  std::vector<float> values;
  for (int i = 0; i < kRows * kChannels; ++i) {
    values.push_back(static_cast<float>(20 * std::sin(0.37 * i) + 9.81 * (i % kChannels)));
  }
  for (const int averaged : {1, 2, 3, 4, 8}) {
    std::vector<float> zeros;
    std::vector<float> steps;
    for (int c = 0; c < kChannels; ++c) {
      zeros.push_back(static_cast<float>(averaged * 9.0 * c));
      steps.push_back(static_cast<float>(averaged * (0.1 + 0.05 * c)));
    }
    const std::vector<std::int8_t> input = input_of(values, averaged, zeros, steps);
    ASSERT_EQ(input.size(), std::size_t(kRows / averaged * kChannels));
    for (std::size_t i = 0; i < input.size(); ++i) {
      const std::size_t sample = i / kChannels;
      const std::size_t c = i % kChannels;
      double sum = 0;
      for (int row = 0; row < averaged; ++row) {
        sum += double(values[(sample * std::size_t(averaged) + std::size_t(row)) * kChannels + c]);
      }
      const double mean = sum / averaged;
      const double level = (mean - 9.0 * double(c)) / (0.1 + 0.05 * double(c));
      EXPECT_NEAR(input[i], std::min(127.0, std::max(-128.0, level)), 0.5 + 1e-3) << i;
    }
  }
}

TEST(Series, WholeNumbersGiveTheSame) {
  std::vector<std::int16_t> counts;
  std::vector<float> values;
  for (int i = 0; i < 4 * 50; ++i) {
    counts.push_back(static_cast<std::int16_t>((i * 7919) % 65536 - 32768));
    values.push_back(counts.back());
  }
  const std::vector<float> zeros = {100, -4000};
  const std::vector<float> steps = {200.5F, 321.25F};
  const mcunet_series_layer layer{50, 2, 2, zeros.data(), steps.data()};
  std::vector<std::int8_t> input(100);
  mcunet_series_counts_to_input(counts.data(), input.data(), &layer);
  EXPECT_EQ(input, input_of(values, 2, zeros, steps));
}

}  // namespace
