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

TEST(JitteredCrop, MovesEachBorderEitherWay) {
  double least[4] = {0, 0, 0, 0};
  double most[4] = {0, 0, 0, 0};
  for (std::uint64_t i = 0; i < 2000; ++i) {
    RandomStream random(1, {i});
    const cv::Rect2d crop = jittered_crop({500, 400}, 0.2, random);
    const double moved[] = {crop.x / 500, crop.y / 400, crop.br().x / 500 - 1,
                            crop.br().y / 400 - 1};
    for (int side = 0; side < 4; ++side) {
      least[side] = std::min(least[side], moved[side]);
      most[side] = std::max(most[side], moved[side]);
    }
  }
  EXPECT_THAT(least, testing::Each(testing::DoubleNear(-0.2, 0.005)));
  EXPECT_THAT(most, testing::Each(testing::DoubleNear(0.2, 0.005)));
}

TEST(VisiblePart, LiesWhereItBelongs) {
  const VisiblePart inside = visible_part({10, 20, 50, 60}, {100, 100}, {32, 32});
  EXPECT_EQ(inside.part, cv::Rect2d(10, 20, 50, 60));
  EXPECT_EQ(inside.place, cv::Rect(0, 0, 32, 32));
  const VisiblePart beyond = visible_part({-50, 0, 200, 100}, {100, 100}, {32, 32});
  EXPECT_EQ(beyond.part, cv::Rect2d(0, 0, 100, 100));
  EXPECT_EQ(beyond.place, cv::Rect(8, 0, 16, 32));
  // Of an image of a few pixels as well.
  for (std::uint64_t i = 0; i < 2000; ++i) {
    RandomStream random(2, {i});
    const cv::Size image(1 + static_cast<int>(i % 5), 1 + static_cast<int>(i % 3));
    const VisiblePart visible = visible_part(jittered_crop(image, 0.4, random), image, {8, 8});
    EXPECT_GE(visible.part.area(), 1);
    EXPECT_EQ(visible.place, visible.place & cv::Rect(0, 0, 8, 8));
    EXPECT_GE(visible.place.area(), 1);
  }
}

TEST(ObjectsInCrop, MoveWithIt) {
  const Objects objects = {{{0.25f, 0.5f, 0.5f, 0.75f}, 3}};
  EXPECT_EQ(objects_in_crop(objects, {0, 0, 1, 1}, false), objects);
  EXPECT_EQ(objects_in_crop(objects, {0, 0, 1, 1}, true),
            (Objects{{{0.5f, 0.5f, 0.75f, 0.75f}, 3}}));
  EXPECT_EQ(objects_in_crop(objects, {0.25f, 0.5f, 0.75f, 1}, false),
            (Objects{{{0, 0, 0.5f, 0.5f}, 3}}));
  EXPECT_EQ(objects_in_crop(objects, {-0.5f, 0, 1.5f, 1}, false),
            (Objects{{{0.375f, 0.5f, 0.5f, 0.75f}, 3}}));
}

TEST(ObjectsInCrop, AreClippedThenDifficultThenGone) {
  const Objects objects = {{{0, 0, 0.5f, 1}, 1}};
  EXPECT_EQ(objects_in_crop(objects, {0.25f, 0, 1.25f, 1}, false),
            (Objects{{{0, 0, 0.25f, 1}, 1}}));  // half is left
  EXPECT_EQ(objects_in_crop(objects, {0.375f, 0, 1.375f, 1}, false),
            (Objects{{{0, 0, 0.125f, 1}, 1, ObjectKind::kDifficult}}));  // a quarter
  EXPECT_EQ(objects_in_crop(objects, {0.5f, 0, 1.5f, 1}, false), Objects{});
  const Objects crowd = {{{0, 0, 0.5f, 1}, 1, ObjectKind::kCrowd}};
  EXPECT_EQ(objects_in_crop(crowd, {0.375f, 0, 1.375f, 1}, false)[0].kind, ObjectKind::kCrowd);
}

TEST(JitterColours, DoesNothingAtStrengthZero) {
  std::vector<float> pixels = {-1, -0.5, 0, 0.5, 1, 0.2f};
  const std::vector<float> before = pixels;
  RandomStream random(1);
  jitter_colours(pixels, 3, draw_jitter({.brightness = 0, .contrast = 0, .saturation = 0}, random));
  EXPECT_EQ(pixels, before);
}

TEST(JitterColours, ScalesBrightnessFromBlack) {
  // A pixel p in 0..1 becomes p * factor; in [-1, 1] black is -1.
  std::vector<float> pixels = {-1, 0, 0, 0, 0, 0};
  RandomStream random(1);
  jitter_colours(pixels, 3,
                 draw_jitter({.brightness = 0.4, .contrast = 0, .saturation = 0}, random));
  EXPECT_EQ(pixels[0], -1);
  EXPECT_NE(pixels[1], 0);
  EXPECT_GE(pixels[1], -0.4f);
  EXPECT_LE(pixels[1], 0.4f);
}

TEST(JitterColours, LeavesGrayAloneWhenSaturationChanges) {
  std::vector<float> pixels = {0.5, 0.5, 0.5, 1, -1, 0};
  RandomStream random(1);
  jitter_colours(pixels, 3, draw_jitter({.brightness = 0, .contrast = 0, .saturation = 1}, random));
  EXPECT_NEAR(pixels[0], 0.5, 1e-6);
  EXPECT_NEAR(pixels[2], 0.5, 1e-6);
  EXPECT_NE(pixels[4], -1);
}

TEST(JitterColours, KeepsPixelsInRange) {
  for (std::uint64_t i = 0; i < 200; ++i) {
    RandomStream random(2, {i});
    std::vector<float> pixels(48);
    for (float& value : pixels) value = static_cast<float>(2 * random.uniform() - 1);
    jitter_colours(pixels, 3,
                   draw_jitter({.brightness = 1, .contrast = 1, .saturation = 1}, random));
    for (float value : pixels) EXPECT_LE(std::abs(value), 1.0f);
  }
}

}  // namespace
}  // namespace mcunet::datasets
