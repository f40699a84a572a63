#include "mcunet/datasets/anchors.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "core/error_text.hpp"
#include "mcunet/core/random.hpp"

namespace mcunet::datasets {
namespace {

using testing::HasSubstr;

Box box_of(double width, double height) {
  return {0, 0, static_cast<float>(width), static_cast<float>(height)};
}

// Around three sizes, five percent to either side.
std::vector<Box> three_clusters(int count) {
  RandomStream random(3);
  constexpr Anchor kCentres[] = {{0.5, 0.25}, {0.1, 0.1}, {0.2, 0.6}};
  std::vector<Box> boxes;
  for (int i = 0; i < count; ++i) {
    const Anchor& centre = kCentres[i % 3];
    boxes.push_back(box_of(centre.width * (0.95 + 0.1 * random.uniform()),
                           centre.height * (0.95 + 0.1 * random.uniform())));
  }
  return boxes;
}

TEST(Anchors, FindTheClusters) {
  for (const std::uint64_t seed : {0, 1, 2, 3}) {
    const std::vector<Anchor> anchors = choose_anchors(three_clusters(300), 3, seed);
    ASSERT_EQ(anchors.size(), 3u);
    EXPECT_NEAR(anchors[0].width, 0.1, 0.002);
    EXPECT_NEAR(anchors[0].height, 0.1, 0.002);
    EXPECT_NEAR(anchors[1].width, 0.2, 0.004);  // of area 0.12; the last has 0.125
    EXPECT_NEAR(anchors[2].width, 0.5, 0.01);
    EXPECT_GT(mean_overlap(three_clusters(300), anchors), 0.94);
  }
}

TEST(Anchors, OfOneClusterAreItsMean) {
  const std::vector<Box> boxes = {box_of(0.25, 0.5), box_of(0.75, 0.5), box_of(0.5, 0.5)};
  const std::vector<Anchor> anchors = choose_anchors(boxes, 1, 0);
  ASSERT_EQ(anchors.size(), 1u);
  EXPECT_DOUBLE_EQ(anchors[0].width, 0.5);
  EXPECT_DOUBLE_EQ(mean_overlap(boxes, anchors), (1.0 / 2 + 2.0 / 3 + 1) / 3);
}

TEST(Anchors, PositionsAreOfNoInfluence) {
  std::vector<Box> boxes = three_clusters(60);
  const std::vector<Anchor> before = choose_anchors(boxes, 4, 7);
  for (Box& box : boxes) box = {box.left, box.top + 0.5f, box.right, box.bottom + 0.5f};
  const std::vector<Anchor> after = choose_anchors(boxes, 4, 7);
  ASSERT_EQ(before.size(), after.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_NEAR(before[i].height, after[i].height, 0.02);
  }
}

TEST(Anchors, MoreOverlapMore) {
  RandomStream random(5);
  std::vector<Box> boxes;
  for (int i = 0; i < 400; ++i) {
    boxes.push_back(box_of(0.01 + 0.9 * random.uniform(), 0.01 + 0.9 * random.uniform()));
  }
  double before = 0;
  for (const int count : {1, 2, 3, 5, 9}) {
    const std::vector<Anchor> anchors = choose_anchors(boxes, count, 1);
    EXPECT_EQ(anchors.size(), static_cast<std::size_t>(count));
    EXPECT_EQ(anchors, choose_anchors(boxes, count, 1));
    const double overlap = mean_overlap(boxes, anchors);
    EXPECT_GT(overlap, before + 0.01) << count;
    before = overlap;
  }
}

// No pair of boxes' own sizes is better than the pair of anchors found.
TEST(Anchors, AreNotWorseThanAnyTwoOfTheBoxes) {
  RandomStream random(11);
  std::vector<Box> boxes;
  for (int i = 0; i < 30; ++i) {
    boxes.push_back(box_of(0.05 + 0.5 * random.uniform(), 0.05 + 0.5 * random.uniform()));
  }
  double best = 0;
  for (const Box& a : boxes) {
    for (const Box& b : boxes) {
      const Anchor pair[] = {{a.width(), a.height()}, {b.width(), b.height()}};
      best = std::max(best, mean_overlap(boxes, pair));
    }
  }
  EXPECT_GT(mean_overlap(boxes, choose_anchors(boxes, 2, 0)), best - 0.02);
}

TEST(Anchors, AreNoMoreThanThereAreSizes) {
  const std::vector<Box> boxes = {box_of(0.5, 0.5), box_of(0.5, 0.5), box_of(0.25, 0.5), {}};
  EXPECT_EQ(choose_anchors(boxes, 5, 0), (std::vector<Anchor>{{0.25, 0.5}, {0.5, 0.5}}));
  EXPECT_EQ(mean_overlap(boxes, choose_anchors(boxes, 5, 0)), 1);
  // Sizes that differ by the last bit.
  const std::vector<Box> alike = {box_of(0.5, 0.5), {0, 0, 0.5f, std::nextafter(0.5f, 1.0f)}};
  EXPECT_EQ(choose_anchors(alike, 2, 0).size(), 2u);
}

TEST(Anchors, NeedBoxes) {
  const std::vector<Box> empty = {{0.5f, 0.5f, 0.5f, 0.9f}};
  EXPECT_THAT(error_of([&] { choose_anchors(empty, 3, 0); }), HasSubstr("no boxes"));
  EXPECT_THAT(error_of([&] { choose_anchors(three_clusters(9), 0, 0); }), HasSubstr("not 0"));
  EXPECT_EQ(mean_overlap(empty, {}), 0);
}

TEST(Anchors, OfManyBoxesAreThoseOfAPart) {
  const std::vector<Anchor> anchors = choose_anchors(three_clusters(60'000), 3, 0);
  EXPECT_NEAR(anchors[0].width, 0.1, 0.001);
  EXPECT_NEAR(anchors[2].width, 0.5, 0.005);
}

}  // namespace
}  // namespace mcunet::datasets
