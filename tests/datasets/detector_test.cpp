#include "mcunet/datasets/detector.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <optional>

#include "core/error_text.hpp"
#include "detections.h"
#include "mcunet/core/random.hpp"

namespace mcunet::datasets {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// An output as it comes out of a network, and what it stands for.
struct Outputs {
  double scale = 0;
  std::int32_t zero_point = 0;
  std::vector<std::int8_t> values;

  std::vector<float> real() const {
    std::vector<float> result;
    for (const std::int8_t value : values)
      result.push_back(static_cast<float>(scale * (value - zero_point)));
    return result;
  }
};

DetectorHead random_head(RandomStream& random) {
  DetectorHead head{.rows = 1 + int(random.index(9)),
                    .columns = 1 + int(random.index(9)),
                    .anchors = {},
                    .classes = 1 + int(random.index(random.index(3) == 0 ? 30 : 4))};
  const int anchors = 1 + int(random.index(5));
  for (int i = 0; i < anchors; ++i) {
    head.anchors.push_back({0.02 + random.uniform(), 0.02 + random.uniform()});
  }
  return head;
}

Outputs random_outputs(const DetectorHead& head, RandomStream& random) {
  constexpr double kScales[] = {0.001, 0.02, 0.05, 0.1, 0.3, 2};
  Outputs outputs{.scale = kScales[random.index(std::size(kScales))],
                  .zero_point = std::int32_t(random.index(256)) - 128,
                  .values = {}};
  const std::uint64_t extremes = random.index(6);  // most runs have none
  for (std::int64_t i = 0; i < head.outputs(); ++i) {
    const bool is_extreme = extremes == 0 && random.index(2) == 0;
    const int value =
        is_extreme ? (random.index(2) == 0 ? 127 : -128) : int(random.index(256)) - 128;
    outputs.values.push_back(static_cast<std::int8_t>(value));
  }
  return outputs;
}

Detections decode_both(const DetectorHead& head, const DetectionLimits& limits,
                       const Outputs& outputs, Detections& real) {
  real = decode(head, limits, outputs.real());
  return decode_int8(make_detection_tables(head, limits, outputs.scale, outputs.zero_point),
                     outputs.values);
}

// The largest distance of their scores and borders; 1 if they are of different classes.
float distance(const Detection& a, const Detection& b) {
  if (a.label != b.label) return 1;
  return std::max({std::abs(a.score - b.score), std::abs(a.box.left - b.box.left),
                   std::abs(a.box.top - b.box.top), std::abs(a.box.right - b.box.right),
                   std::abs(a.box.bottom - b.box.bottom)});
}

bool is_near(const Detection& a, const Detection& b) { return distance(a, b) <= 1.0F / 8192; }

// How many of the first find no partner among the second.
std::size_t unmatched(const Detections& found, Detections others) {
  std::size_t count = 0;
  for (const Detection& detection : found) {
    const auto nearest = std::min_element(others.begin(), others.end(), [&](auto& a, auto& b) {
      return distance(a, detection) < distance(b, detection);
    });
    if (nearest == others.end() || !is_near(*nearest, detection)) {
      ++count;
    } else {
      others.erase(nearest);
    }
  }
  return count;
}

// Without suppression: every box, with its class and score.
TEST(Detector, Int8BoxesAreThoseOfRealNumbers) {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    SCOPED_TRACE(seed);
    RandomStream random(1, {seed});
    const DetectorHead head = random_head(random);
    const Outputs outputs = random_outputs(head, random);
    const DetectionLimits limits{.score = 0, .overlap = 1, .most = 1000};
    Detections real;
    const Detections found = decode_both(head, limits, outputs, real);
    ASSERT_EQ(found.size(), std::size_t(head.rows) * head.columns * head.anchors.size());
    ASSERT_EQ(found.size(), real.size());
    EXPECT_EQ(unmatched(found, real), 0u);
    EXPECT_TRUE(std::is_sorted(found.begin(), found.end(),
                               [](const auto& a, const auto& b) { return a.score > b.score; }));
  }
}

// With suppression, boxes may differ where a score or an overlap lies at a limit, or two scores are the
// same in one arithmetic alone: in few runs.
TEST(Detector, Int8FindsWhatRealNumbersFind) {
  int runs_that_differ = 0;
  std::size_t boxes = 0;
  std::size_t boxes_that_differ = 0;
  constexpr int kRuns = 600;
  for (std::uint64_t seed = 0; seed < kRuns; ++seed) {
    RandomStream random(2, {seed});
    const DetectorHead head = random_head(random);
    Outputs outputs = random_outputs(head, random);
    const DetectionLimits limits{.score = 0.01 + 0.5 * random.uniform(),
                                 .overlap = 0.1 + 0.8 * random.uniform(),
                                 .most = 1 + int(random.index(100))};
    Detections real;
    const Detections found = decode_both(head, limits, outputs, real);
    EXPECT_LE(found.size(), std::size_t(limits.most));
    const std::size_t differ = unmatched(found, real) + unmatched(real, found);
    boxes += found.size();
    boxes_that_differ += differ;
    if (differ != 0) ++runs_that_differ;
  }
  EXPECT_GT(boxes, 3000u);
  EXPECT_LE(runs_that_differ, kRuns / 12);
  EXPECT_LE(boxes_that_differ, boxes / 50);
}

// Of what is kept no two overlap too much, and what is left out overlaps with a better one: in the
// integers that the firmware has.
TEST(Detector, SuppressesExactly) {
  const auto side = [](float share) { return std::llround(16384 * double{share}); };
  const auto overlap_exceeds = [&](const Box& a, const Box& b, std::int64_t most) {
    const auto width =
        std::min(side(a.right), side(b.right)) - std::max(side(a.left), side(b.left));
    const auto height =
        std::min(side(a.bottom), side(b.bottom)) - std::max(side(a.top), side(b.top));
    if (width <= 0 || height <= 0) return false;
    const auto area = [&](const Box& box) {
      return (side(box.right) - side(box.left)) * (side(box.bottom) - side(box.top));
    };
    return 32768 * width * height > most * (area(a) + area(b) - width * height);
  };
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    RandomStream random(3, {seed});
    const DetectorHead head = random_head(random);
    const Outputs outputs = random_outputs(head, random);
    DetectionLimits limits{.score = 0.05, .overlap = random.uniform(), .most = 500};
    const auto tables = [&] {
      return make_detection_tables(head, limits, outputs.scale, outputs.zero_point);
    };
    const auto most = static_cast<std::int64_t>(tables().overlap);
    const Detections kept = decode_int8(tables(), outputs.values);
    limits.overlap = 1;
    Detections expected;
    for (const Detection& one : decode_int8(tables(), outputs.values)) {
      const bool is_covered =
          std::any_of(expected.begin(), expected.end(), [&](const Detection& better) {
            return better.label == one.label && overlap_exceeds(better.box, one.box, most);
          });
      if (!is_covered) expected.push_back(one);
    }
    EXPECT_EQ(kept, expected);
  }
}

// A cell in the middle, of which an output of 0 is the middle and the anchor's size.
TEST(Detector, PlacesABox) {
  const DetectorHead head{.rows = 3, .columns = 5, .anchors = {{0.2, 0.4}}, .classes = 2};
  std::vector<float> outputs(static_cast<std::size_t>(head.outputs()), -20.0F);
  float* const cell = &outputs[(1 * 5 + 2) * 7];
  std::fill_n(cell, 7, 0.0F);
  cell[2] = std::log(2.0F);
  cell[4] = 3;
  cell[6] = 2;
  const Detections found = decode(head, {}, outputs);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_NEAR(found[0].box.left, 0.3, 1e-6);
  EXPECT_NEAR(found[0].box.right, 0.7, 1e-6);
  EXPECT_NEAR(found[0].box.top, 0.3, 1e-6);
  EXPECT_NEAR(found[0].box.bottom, 0.7, 1e-6);
  EXPECT_EQ(found[0].label, 1);
  EXPECT_NEAR(found[0].score, 1 / (1 + std::exp(-3.0)) / (1 + std::exp(-2.0)), 1e-6);
}

TEST(Detector, BoxesEndAtTheBorders) {
  const DetectorHead head{.rows = 1, .columns = 1, .anchors = {{3.5, 0.0001}}, .classes = 1};
  for (const double scale : {1e-9, 0.1, 1e9, 1e36}) {
    for (const int value : {127, 0, -128}) {
      SCOPED_TRACE(testing::Message() << scale << " " << value);
      const Outputs outputs{.scale = scale,
                            .zero_point = 0,
                            .values = std::vector<std::int8_t>(6, std::int8_t(value))};
      Detections real;
      const Detections found = decode_both(head, {.score = 0}, outputs, real);
      ASSERT_EQ(found.size(), 1u);
      EXPECT_EQ(unmatched(found, real), 0u);
      EXPECT_GE(found[0].box.left, 0);
      EXPECT_LE(found[0].box.right, 1);
    }
  }
}

TEST(Detector, TellsTheBestOfEqualScoresByTheirPlace) {
  const DetectorHead head{
      .rows = 2, .columns = 8, .anchors = {{0.01, 0.01}, {0.02, 0.02}}, .classes = 1};
  const Outputs outputs{.scale = 0.1,
                        .zero_point = 0,
                        .values = std::vector<std::int8_t>(std::size_t(head.outputs()), 20)};
  const DetectionLimits limits{.score = 0.1, .overlap = 0.9, .most = 3};  // of 12 candidates
  Detections real;
  const Detections found = decode_both(head, limits, outputs, real);
  ASSERT_EQ(found.size(), 3u);
  ASSERT_EQ(real.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(is_near(found[i], real[i])) << i;
    EXPECT_LT(found[i].box.top, 0.5F);
  }
  EXPECT_LT(found[0].box.width(), found[1].box.width()) << "the first anchor first";
  EXPECT_LT(found[1].box.left, found[2].box.left);
}

TEST(Detector, PassesOverWhatIsNoNumber) {
  const DetectorHead head{.rows = 1, .columns = 1, .anchors = {{0.5, 0.5}}, .classes = 2};
  for (std::size_t i = 0; i < 7; ++i) {
    std::vector<float> outputs(7, 1.0F);
    EXPECT_EQ(decode(head, {}, outputs).size(), 1u);
    outputs[i] = kNan;
    EXPECT_TRUE(decode(head, {}, outputs).empty()) << i;
  }
  const std::vector<float> infinite = {0, 0, kInfinity, kInfinity, kInfinity, 0, 0};
  const Detections whole = decode(head, {}, infinite);
  ASSERT_EQ(whole.size(), 1u);
  EXPECT_EQ(whole[0].box, (Box{0, 0, 1, 1}));
  EXPECT_TRUE(decode(head, {}, std::vector<float>{0, 0, 0, 0, 9, kInfinity, 0}).empty());
}

TEST(Detector, ReadsWhatLiesInMemory) {
  const DetectorHead head{.rows = 2, .columns = 2, .anchors = {{0.5, 0.5}}, .classes = 3};
  RandomStream random(5);
  const Outputs outputs = random_outputs(head, random);
  const DetectionTables tables =
      make_detection_tables(head, {.score = 0}, outputs.scale, outputs.zero_point);
  const Detections found = decode_int8(tables, outputs.values);
  std::vector<mcunet_detection> memory;
  for (const Detection& one : found) {
    const auto side = [](float share) { return std::int16_t(std::lround(16384 * share)); };
    memory.push_back({side(one.box.left), side(one.box.top), side(one.box.right),
                      side(one.box.bottom), std::uint16_t(std::lround(32768 * one.score)),
                      std::int16_t(one.label)});
  }
  const auto* bytes = reinterpret_cast<const std::int8_t*>(memory.data());
  EXPECT_EQ(read_detections({bytes, 12 * memory.size()}), found);
  EXPECT_EQ(error_of([&] {
              read_detections({bytes, 13});
            }),
            "13 bytes are no detections of 12 each");
}

TEST(Detector, RefusesWhatIsNoHead) {
  const DetectorHead good{.rows = 7, .columns = 5, .anchors = {{0.1, 0.2}}, .classes = 3};
  check_head(good);
  const auto error_with = [&](auto change) {
    DetectorHead head = good;
    change(head);
    return error_of([&] { check_head(head); });
  };
  EXPECT_EQ(error_with([](DetectorHead& h) { h.anchors.clear(); }),
            "a detector has 1 to 64 anchors, not 0");
  EXPECT_EQ(error_with([](DetectorHead& h) { h.classes = 257; }),
            "a detector has 1 to 256 classes, not 257");
  EXPECT_THAT(error_with([](DetectorHead& h) { h.anchors[0].height = 13; }),
              HasSubstr("a side of an anchor is 13"));
  EXPECT_THAT(error_with([](DetectorHead& h) { h.anchors[0].width = kNan; }), HasSubstr("nan"));
  EXPECT_EQ(error_with([](DetectorHead& h) { h.rows = 0; }), "a detector cannot have 0x5 cells");
  EXPECT_EQ(error_of([&] { decode(good, {}, std::vector<float>(5)); }),
            "a detector of 7x5 cells and 8 channels has 280 outputs, not 5");
  EXPECT_EQ(error_of([&] { make_detection_tables(good, {}, 0, 0); }),
            "a detector's output needs a scale, but this is 0");
}

}  // namespace
}  // namespace mcunet::datasets
