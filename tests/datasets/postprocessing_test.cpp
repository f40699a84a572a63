#include "mcunet/datasets/postprocessing.hpp"

#include <gmock/gmock.h>

#include "core/error_text.hpp"

namespace mcunet::datasets {
namespace {

using testing::HasSubstr;

Detector example() {
  return {.head = {.rows = 5, .columns = 7, .anchors = {{0.1, 0.25}, {0.5, 1.5}}, .classes = 2},
          .classes = {"person", "traffic \"light\""},
          .limits = {.score = 0.25, .overlap = 0.5, .most = 10}};
}

TEST(Postprocessing, IsReadAsItIsWritten) {
  const Postprocessing detector = example();
  const std::string json = to_json_text(write_postprocessing(detector));
  EXPECT_EQ(read_postprocessing(parse_config(json, "model.json")), detector);
}

TEST(Postprocessing, IsReadFromYamlWithItsDefaults) {
  const Postprocessing read = read_postprocessing(parse_config(R"(
detector:
  rows: 5
  columns: 7
  anchors: [{width: 0.1, height: 0.25}, {width: 0.5, height: 1.5}]
  classes: [person, 2]
)",
                                                               "file.yaml"));
  Detector expected = example();
  expected.classes[1] = "2";
  expected.limits = {};
  EXPECT_EQ(read, Postprocessing(expected));
}

TEST(Postprocessing, RefusesNonsense) {
  const auto error_with = [](const std::string& more) {
    const std::string text = "detector: {rows: 5, columns: 7, " + more + "}";
    return error_of([&] { read_postprocessing(parse_config(text, "file.yaml")); });
  };
  const std::string anchors = "anchors: [{width: 0.1, height: 0.25}]";
  EXPECT_THAT(error_with("classes: [a], anchors: []"),
              HasSubstr("detector: a detector has 1 to 64 anchors, not 0"));
  EXPECT_THAT(error_with("classes: [a], anchors: [{width: 12, height: 0.25}]"),
              HasSubstr("detector.anchors[0].width: must be between 0.0001 and 3.99, is 12"));
  EXPECT_THAT(error_with("classes: [], " + anchors),
              HasSubstr("detector: a detector has 1 to 256 classes, not 0"));
  EXPECT_THAT(error_with("classes: 3, " + anchors), HasSubstr("detector.classes: "));
  EXPECT_THAT(error_with(anchors), HasSubstr("classes"));
  EXPECT_THAT(error_with("classes: [a], score: 1.5, " + anchors), HasSubstr("detector.score: "));
  EXPECT_THAT(error_of([] { read_postprocessing(parse_config("{}", "file.yaml")); }),
              HasSubstr("detector"));
  Detector detector = example();
  detector.classes.pop_back();
  EXPECT_EQ(error_of([&] { check_detector(detector); }), "a detector of 2 classes has 1 names");
}

TEST(Postprocessing, IsToldInWords) {
  EXPECT_THAT(describe(example()),
              testing::ElementsAre(
                  "boxes around objects of 2 classes", "a grid of 5 x 7 cells with 2 anchors each",
                  "scores of at least 0.25, overlaps of at most 0.5, at most 10 boxes"));
}

}  // namespace
}  // namespace mcunet::datasets
