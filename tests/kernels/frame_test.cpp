#include "frame.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "random_layer.hpp"

namespace mcunet::kernels_test {
namespace {

// A value of a pixel is itself less 128.
std::vector<std::int8_t> plain_values() {
  std::vector<std::int8_t> values;
  for (int p = 0; p < 256; ++p) values.push_back(static_cast<std::int8_t>(p - 128));
  return values;
}

struct Frame {
  int height;
  int width;
  int channels;
  std::vector<std::uint8_t> pixels;

  std::vector<int> shown(int side, int input_channels, std::int32_t crop) const {
    static const std::vector<std::int8_t> values = plain_values();
    const mcunet_frame frame{pixels.data(), height, width, width * channels, channels};
    const mcunet_frame_layer layer{side, side, input_channels, crop, values.data()};
    std::vector<std::int8_t> input(static_cast<std::size_t>(side * side * input_channels));
    mcunet_frame_to_input(&frame, input.data(), &layer);
    std::vector<int> levels;
    for (const std::int8_t value : input) levels.push_back(value + 128);
    return levels;
  }
};

Frame noise(int height, int width, int channels) {
  const Bytes bytes = Random(5).bytes(height * width * channels);
  return {height, width, channels, {bytes.begin(), bytes.end()}};
}

constexpr std::int32_t kWhole = 0;
constexpr std::int32_t kSevenEighths = 57344;

TEST(Frame, OfTheInputsSizeIsTakenAsItIs) {
  const Frame frame = noise(12, 12, 3);
  for (const std::int32_t crop : {kWhole, kSevenEighths}) {
    const std::vector<int> levels = frame.shown(12, 3, crop);
    EXPECT_TRUE(std::equal(levels.begin(), levels.end(), frame.pixels.begin()));
  }
}

TEST(Frame, CropsTheMiddle) {
  // 32 of 64 columns and 28 of 32 rows are in the shape of the input: 28 x 28, from (2, 18) on.
  const Frame frame = noise(32, 64, 1);
  const std::vector<int> levels = frame.shown(28, 1, kSevenEighths);
  for (int y = 0; y < 28; ++y) {
    for (int x = 0; x < 28; ++x) {
      ASSERT_EQ(levels[std::size_t(y * 28 + x)], frame.pixels[std::size_t((y + 2) * 64 + x + 18)]);
    }
  }
}

TEST(Frame, AveragesWhatIsShrunk) {
  for (const auto& [height, width] : {std::pair{30, 20}, {31, 47}, {100, 23}}) {
    const Frame frame = noise(height, width, 1);
    const std::vector<int> levels = frame.shown(10, 1, kWhole);
    for (int y = 0; y < 10; ++y) {
      for (int x = 0; x < 10; ++x) {
        double sum = 0;
        for (int i = 0; i < height; ++i) {
          for (int j = 0; j < width; ++j) {
            const auto overlap = [](int pixel, int at, int side) {
              const double begin = at * side / 10.0;
              const double end = (at + 1) * side / 10.0;
              return std::max(0.0, std::min(end, pixel + 1.0) - std::max(begin, double(pixel)));
            };
            sum += overlap(i, y, height) * overlap(j, x, width) *
                   frame.pixels[std::size_t(i * width + j)];
          }
        }
        ASSERT_NEAR(levels[std::size_t(y * 10 + x)], sum * 100 / (height * width), 0.5 + 1e-6);
      }
    }
  }
}

TEST(Frame, InterpolatesBetweenPixels) {
  for (const auto& [height, width] : {std::pair{10, 10}, {17, 13}, {5, 7}, {1, 1}}) {
    const Frame frame = noise(height, width, 1);
    const std::vector<int> levels = frame.shown(10, 1, kWhole);
    const auto pixel = [&](int y, int x) {
      const int row = std::min(std::max(y, 0), frame.height - 1);
      const int column = std::min(std::max(x, 0), frame.width - 1);
      return double(frame.pixels[std::size_t(row * frame.width + column)]);
    };
    for (int y = 0; y < 10; ++y) {
      for (int x = 0; x < 10; ++x) {
        const double row = (y + 0.5) * height / 10 - 0.5;
        const double column = (x + 0.5) * width / 10 - 0.5;
        const int i = int(std::floor(row));
        const int j = int(std::floor(column));
        const double down = row - i;
        const double along = column - j;
        const double expected =
            (1 - down) * ((1 - along) * pixel(i, j) + along * pixel(i, j + 1)) +
            down * ((1 - along) * pixel(i + 1, j) + along * pixel(i + 1, j + 1));
        ASSERT_NEAR(levels[std::size_t(y * 10 + x)], expected, 1.0);
      }
    }
  }
}

TEST(Frame, TurnsColoursToGrayAndGrayToColours) {
  const Frame red{1, 1, 3, {255, 0, 0}};
  EXPECT_EQ(red.shown(1, 1, kWhole), std::vector<int>{76});  // 0.299 * 255
  EXPECT_EQ((Frame{1, 1, 3, {255, 255, 255}}.shown(1, 1, kWhole)), std::vector<int>{255});
  EXPECT_EQ((Frame{1, 1, 1, {90}}.shown(1, 3, kWhole)), (std::vector<int>{90, 90, 90}));
}

// The largest that is allowed: no sum overflows.
TEST(Frame, MayHaveMillionsOfPixels) {
  const Frame white{4096, 4096, 1, std::vector<std::uint8_t>(std::size_t{1} << 24, 255)};
  EXPECT_EQ(white.shown(2, 1, kWhole), std::vector<int>(4, 255));
}

}  // namespace
}  // namespace mcunet::kernels_test
