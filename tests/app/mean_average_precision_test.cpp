#include "pipeline/mean_average_precision.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/error_text.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/datasets/voc.hpp"
#include "shared_data.hpp"

namespace mcunet::pipeline {
namespace {

namespace fs = std::filesystem;
using datasets::BoxedObject;
using datasets::Detection;
using datasets::ObjectKind;
using testing::HasSubstr;

constexpr double kExact = 1e-12;

// A square of side 10 at a place of its own.
datasets::Box square(float x, float y = 0) { return {x, y, x + 10, y + 10}; }

double voc_of(const std::vector<DetectedImage>& images, bool eleven_points = false) {
  return voc_average_precision(images, 1, {.eleven_points = eleven_points}).mean;
}

double coco_at_50(const std::vector<DetectedImage>& images) {
  return coco_average_precision(images, 1).at_50.mean;
}

TEST(MeanAveragePrecision, FollowsTheCurve) {
  // Two objects; found at ranks 1 and 3: precision 1 up to recall 0.5, then 2/3.
  const std::vector<DetectedImage> images = {
      {{{square(0)}, {square(100)}},
       {{square(0), 0, 0.9f}, {square(50), 0, 0.8f}, {square(100), 0, 0.7f}}}};
  EXPECT_NEAR(voc_of(images), 0.5 * 1 + 0.5 * 2 / 3, kExact);
  EXPECT_NEAR(voc_of(images, /*eleven_points=*/true), (6 * 1 + 5 * 2.0 / 3) / 11, kExact);
  EXPECT_NEAR(coco_at_50(images), (51 * 1 + 50 * 2.0 / 3) / 101, kExact);
}

TEST(MeanAveragePrecision, OfOverlapsBelowTheThresholdIsNone) {
  // 5 of 10 columns in common: 5 / 15.
  const std::vector<DetectedImage> images = {{{{square(0)}}, {{square(5), 0, 0.9f}}}};
  EXPECT_EQ(voc_of(images), 0);
  EXPECT_EQ(voc_average_precision(images, 1, {.overlap = 1.0 / 3}).mean, 1);
  EXPECT_EQ(coco_at_50(images), 0);
  // 20 of 25 columns: 0.8 is met exactly, so 7 of 10 overlaps are.
  const std::vector<DetectedImage> wide = {{{{{0, 0, 25, 1}}}, {{{0, 0, 20, 1}, 0, 0.9f}}}};
  EXPECT_NEAR(coco_average_precision(wide, 1).all.mean, 0.7, kExact);
}

TEST(MeanAveragePrecision, TakesAnObjectOnce) {
  const std::vector<DetectedImage> images = {
      {{{square(0)}, {square(100)}},
       {{square(0), 0, 0.9f}, {square(1), 0, 0.8f}, {square(100), 0, 0.7f}}}};
  EXPECT_NEAR(voc_of(images), 0.5 + 0.5 * 2 / 3, kExact);
  EXPECT_NEAR(coco_at_50(images), (51 + 50 * 2.0 / 3) / 101, kExact);
}

TEST(MeanAveragePrecision, GivesTheSecondBestObjectInCocoAlone) {
  // Both detections overlap the first object most; the second object is near enough as well.
  const std::vector<DetectedImage> images = {
      {{{square(0)}, {square(3)}}, {{square(0), 0, 0.9f}, {square(1), 0, 0.8f}}}};
  EXPECT_NEAR(voc_of(images), 0.5, kExact);
  EXPECT_NEAR(coco_at_50(images), 1, kExact);
}

TEST(MeanAveragePrecision, IgnoresDifficultObjects) {
  const std::vector<DetectedImage> images = {
      {{{square(0)}, {square(100), 0, ObjectKind::kDifficult}},
       {{square(100), 0, 0.9f}, {square(101), 0, 0.85f}, {square(0), 0, 0.8f}}}};
  const MeanAveragePrecision precision = voc_average_precision(images, 1);
  EXPECT_EQ(precision.mean, 1);
  EXPECT_EQ(precision.classes[0].objects, 1);
  EXPECT_EQ(precision.classes[0].detections, 3);
  EXPECT_NEAR(coco_at_50(images), 0.5, kExact);  // there a difficult object excuses one detection
}

TEST(MeanAveragePrecision, IgnoresWhatLiesInACrowd) {
  const std::vector<DetectedImage> images = {
      {{{{0, 0, 100, 100}, 0, ObjectKind::kCrowd}, {square(20)}, {square(300)}},
       {{square(0), 0, 0.9f},
        {square(40), 0, 0.8f},
        {square(20), 0, 0.7f},   // an object of its own, within the crowd
        {square(94), 0, 0.65f},  // six of ten columns in the crowd
        {square(96), 0, 0.6f},   // four of ten
        {square(300), 0, 0.5f}}}};
  EXPECT_NEAR(voc_of(images), 0.5 + 0.5 * 2 / 3, kExact);
  EXPECT_NEAR(coco_at_50(images), (51 + 50 * 2.0 / 3) / 101, kExact);
}

TEST(MeanAveragePrecision, IsTheMeanOverClassesThatHaveObjects) {
  const std::vector<DetectedImage> images = {
      {{{square(0), 0}, {square(50), 2, ObjectKind::kDifficult}, {square(90), 3}},
       {{square(0), 0, 0.9f}, {square(0), 1, 0.9f}, {square(50), 2, 0.9f}}}};
  const MeanAveragePrecision precision = voc_average_precision(images, 5);
  EXPECT_EQ(precision.mean, 0.5);
  ASSERT_EQ(precision.classes.size(), 5u);
  EXPECT_EQ(precision.classes[1].detections, 1);
  EXPECT_EQ(precision.classes[2].objects, 0);
  EXPECT_EQ(precision.classes[3].average_precision, 0);
  EXPECT_EQ(coco_average_precision(images, 5).all.mean, 0.5);
  EXPECT_EQ(voc_average_precision({}, 2).mean, 0);
  EXPECT_EQ(coco_average_precision({}, 2).at_75.mean, 0);
}

TEST(MeanAveragePrecision, BreaksTiesByTheOrderOfImages) {
  const DetectedImage found = {{{square(0)}}, {{square(0), 0, 0.5f}}};
  const DetectedImage missed = {{{square(0)}}, {{square(50), 0, 0.5f}}};
  const std::vector<DetectedImage> found_first = {found, missed};
  const std::vector<DetectedImage> missed_first = {missed, found};
  EXPECT_EQ(voc_of(found_first), 0.5);
  EXPECT_EQ(voc_of(missed_first), 0.25);
}

TEST(MeanAveragePrecision, CountsPixelsOfBothCorners) {
  // Columns 1 to 4 and 3 to 6: two of six pixels, one of five lengths.
  const std::vector<DetectedImage> images = {{{{{1, 1, 4, 4}}}, {{{3, 1, 6, 4}, 0, 0.9f}}}};
  EXPECT_EQ(voc_average_precision(images, 1, {.overlap = 0.33, .pixel_extent = 1}).mean, 1);
  EXPECT_EQ(voc_average_precision(images, 1, {.overlap = 0.33}).mean, 0);
}

TEST(MeanAveragePrecision, RefusesWhatIsNoDetection) {
  const auto error = [](DetectedImage image) {
    return error_of([&] { voc_average_precision(std::vector{std::move(image)}, 2); });
  };
  EXPECT_THAT(error({{{square(0), 2}}, {}}), HasSubstr("there is no class 2 of 2"));
  EXPECT_THAT(error({{}, {{square(0), -1, 0.5f}}}), HasSubstr("there is no class -1 of 2"));
  EXPECT_THAT(error({{}, {{square(0), 0, std::numeric_limits<float>::quiet_NaN()}}}),
              HasSubstr("no number"));
}

// By scripts/compare_with_pycocotools.py; $MCUNET_COCO_GOLDEN names another file of it.
TEST(MeanAveragePrecision, IsThatOfPycocotools) {
  const char* other = std::getenv("MCUNET_COCO_GOLDEN");
  const fs::path file = other != nullptr ? fs::path(other)
                                         : fs::path(MCUNET_SOURCE_DIR) / "tests" / "golden" /
                                               "coco_average_precision.json";
  const auto golden = nlohmann::json::parse(read_file(file));
  std::vector<DetectedImage> images;
  for (const auto& image : golden["images"]) {
    DetectedImage& read = images.emplace_back();
    for (const auto& o : image["objects"]) {
      read.objects.push_back({{o[0], o[1], o[2], o[3]}, o[4], ObjectKind(o[5].get<int>())});
    }
    for (const auto& d : image["detections"]) {
      read.detections.push_back({{d[0], d[1], d[2], d[3]}, d[4], d[5]});
    }
  }
  const CocoAveragePrecision precision = coco_average_precision(images, golden["classes"]);
  const MeanAveragePrecision* const parts[] = {&precision.all, &precision.at_50, &precision.at_75};
  for (std::size_t part = 0; part < std::size(parts); ++part) {
    double sum = 0;
    int known = 0;
    for (std::size_t c = 0; c < parts[part]->classes.size(); ++c) {
      const ClassPrecision& found = parts[part]->classes[c];
      const auto& expected = golden["expected"][part][c];
      EXPECT_EQ(expected.is_null(), found.objects == 0);
      if (expected.is_null()) continue;
      EXPECT_NEAR(found.average_precision, expected.get<double>(), kExact) << part << " " << c;
      sum += expected.get<double>();
      ++known;
    }
    EXPECT_NEAR(parts[part]->mean, sum / known, kExact);
  }
}

// In pixels, as the files have them.
std::vector<DetectedImage> read_voc100(const fs::path& folder,
                                       const std::map<std::string, std::int32_t>& labels) {
  std::vector<DetectedImage> images;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder / "Annotations")) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    DetectedImage& image = images.emplace_back();
    for (const datasets::VocObject& object : datasets::read_voc_annotation(file).objects) {
      image.objects.push_back({{static_cast<float>(object.x_min), static_cast<float>(object.y_min),
                                static_cast<float>(object.x_max), static_cast<float>(object.y_max)},
                               labels.at(object.name),
                               object.is_difficult ? ObjectKind::kDifficult : ObjectKind::kPlain});
    }
    const fs::path detections = folder / "detections" / (file.stem().string() + ".txt");
    if (!fs::exists(detections)) continue;
    std::istringstream text(read_file(detections));
    for (Detection d;
         text >> d.label >> d.score >> d.box.left >> d.box.top >> d.box.right >> d.box.bottom;) {
      image.detections.push_back(d);
    }
  }
  return images;
}

TEST(MeanAveragePrecision, IsThatOfTheSample) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  const fs::path folder = data / "voc100";
  std::map<std::string, std::int32_t> labels;
  std::istringstream names(read_file(folder / "voc.names"));
  for (std::string name; names >> name;) {
    labels.emplace(name, static_cast<std::int32_t>(labels.size()));
  }
  const std::vector<DetectedImage> images = read_voc100(folder, labels);
  const auto reference = nlohmann::json::parse(read_file(folder / "voc100_reference_map.json"));
  for (const bool extent : {false, true}) {
    for (const bool eleven : {false, true}) {
      const auto found =
          voc_average_precision(images, static_cast<int>(labels.size()),
                                {.eleven_points = eleven, .pixel_extent = extent ? 1.0 : 0.0});
      const auto& expected = reference[fmt::format(
          "inc={} {} difficult_ignored=True", extent ? "True" : "False", eleven ? "11" : "every")];
      EXPECT_NEAR(found.mean, expected[0].get<double>(), 1e-6) << extent << eleven;
      for (const auto& [name, label] : labels) {
        EXPECT_NEAR(found.classes[static_cast<std::size_t>(label)].average_precision,
                    expected[1][name].get<double>(), 1e-6)
            << name << extent << eleven;
      }
    }
  }
}

}  // namespace
}  // namespace mcunet::pipeline
