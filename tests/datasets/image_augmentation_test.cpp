#include "image_augmentation.hpp"

namespace mcunet::datasets {
namespace {

TEST(RandomCrop, KeepsScaleAndAspectWithinTheImage) {
  double least = 1;
  double most = 0;
  for (std::uint64_t i = 0; i < 5000; ++i) {
    RandomStream random(1, {i});
    const cv::Rect2d crop = random_crop({500, 375}, 0.08, random);
    EXPECT_GE(crop.x, 0);
    EXPECT_GE(crop.y, 0);
    EXPECT_LE(crop.x + crop.width, 500);
    EXPECT_LE(crop.y + crop.height, 375);
    const double scale = crop.area() / (500.0 * 375);
    EXPECT_GE(scale, 0.075);
    EXPECT_GT(crop.width / crop.height, 0.73);
    EXPECT_LT(crop.width / crop.height, 1.37);
    least = std::min(least, scale);
    most = std::max(most, scale);
  }
  EXPECT_LT(least, 0.1);
  EXPECT_GT(most, 0.9);
}

TEST(RandomCrop, TakesTheMiddleOfLongImages) {
  RandomStream random(1);
  EXPECT_EQ(random_crop({1000, 10}, 1, random), cv::Rect2d(493, 0, 13, 10));
  EXPECT_EQ(random_crop({1, 1}, 0.5, random), cv::Rect2d(0, 0, 1, 1));
}

TEST(JitterColours, DoesNothingAtStrengthZero) {
  std::vector<float> pixels = {-1, -0.5, 0, 0.5, 1, 0.2f};
  const std::vector<float> before = pixels;
  RandomStream random(1);
  jitter_colours(pixels, {.brightness = 0, .contrast = 0, .saturation = 0}, random);
  EXPECT_EQ(pixels, before);
}

TEST(JitterColours, ScalesBrightnessFromBlack) {
  // A pixel p in 0..1 becomes p * factor; in [-1, 1] black is -1.
  std::vector<float> pixels = {-1, 0, 0, 0, 0, 0};
  RandomStream random(1);
  jitter_colours(pixels, {.brightness = 0.4, .contrast = 0, .saturation = 0}, random);
  EXPECT_EQ(pixels[0], -1);
  EXPECT_NE(pixels[1], 0);
  EXPECT_GE(pixels[1], -0.4f);
  EXPECT_LE(pixels[1], 0.4f);
}

TEST(JitterColours, LeavesGrayAloneWhenSaturationChanges) {
  std::vector<float> pixels = {0.5, 0.5, 0.5, 1, -1, 0};
  RandomStream random(1);
  jitter_colours(pixels, {.brightness = 0, .contrast = 0, .saturation = 1}, random);
  EXPECT_NEAR(pixels[0], 0.5, 1e-6);
  EXPECT_NEAR(pixels[2], 0.5, 1e-6);
  EXPECT_NE(pixels[4], -1);
}

TEST(JitterColours, KeepsPixelsInRange) {
  for (std::uint64_t i = 0; i < 200; ++i) {
    RandomStream random(2, {i});
    std::vector<float> pixels(48);
    for (float& value : pixels) value = static_cast<float>(2 * random.uniform() - 1);
    jitter_colours(pixels, {.brightness = 1, .contrast = 1, .saturation = 1}, random);
    for (float value : pixels) EXPECT_LE(std::abs(value), 1.0f);
  }
}

}  // namespace
}  // namespace mcunet::datasets
