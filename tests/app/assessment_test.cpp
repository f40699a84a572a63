#include "pipeline/assessment.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "core/error_text.hpp"
#include "mcunet/datasets/dataset.hpp"

namespace mcunet::pipeline {
namespace {

using datasets::Box;
using datasets::Target;
using testing::HasSubstr;
using Json = nlohmann::ordered_json;

// Examples of which nothing but the target matters.
class Targets : public datasets::Dataset {
 public:
  Targets(std::vector<std::string> classes, std::vector<Target> targets)
      : classes_(std::move(classes)), targets_(std::move(targets)) {}

  std::int64_t size() const override { return std::ssize(targets_); }
  const std::vector<std::string>& classes() const override { return classes_; }
  datasets::InputShape input_shape() const override { return {1, 1, 1}; }
  std::int32_t label(std::int64_t) const override { return 0; }
  Target target(std::int64_t index) const override {
    return targets_[static_cast<std::size_t>(index)];
  }
  std::string name(std::int64_t index) const override { return "image " + std::to_string(index); }
  std::optional<Target> load(std::int64_t, RandomStream&, std::span<float>) const override {
    return std::nullopt;
  }

 private:
  std::vector<std::string> classes_;
  std::vector<Target> targets_;
};

constexpr Box kLeft{0, 0, 0.5F, 1};
constexpr Box kRight{0.5F, 0, 1, 1};

Targets two_images() {
  return {{"cat", "dog"},
          {datasets::Objects{{kLeft, 0}, {kRight, 1}},
           datasets::Objects{{kLeft, 1, datasets::ObjectKind::kDifficult}, {kRight, 0}}}};
}

DetectionResult half_right() {
  const std::vector<FoundObjects> found = {
      {0, {{kLeft, 0, 0.9F}, {kRight, 0, 0.8F}}},  // the dog is called a cat
      {1, {{kLeft, 1, 0.7F}, {kRight, 0, 0.1F}}},  // the cat is found, but hardly believed in
      {1, {}}};
  return assess_detections(found, two_images(), 3, 0.5);
}

TEST(DetectionResult, IsTheMeanOverTheClasses) {
  const DetectionResult result = half_right();
  EXPECT_EQ(result.score.metric, &kMeanAveragePrecision);
  // Cats: right, wrong, right: 1/2 + 1/2 * 2/3. Dogs: none of one.
  EXPECT_NEAR(result.classes[0].average_precision, 0.5 + 0.5 * 2 / 3, 1e-9);
  EXPECT_EQ(result.classes[1].average_precision, 0);
  EXPECT_NEAR(result.score.value, result.classes[0].average_precision / 2, 1e-9);
  EXPECT_EQ(result.classes[0].objects, 2);
  EXPECT_EQ(result.classes[1].objects, 1);
  EXPECT_EQ(result.score.examples, 2);
  EXPECT_EQ(result.unreadable, 1);
}

TEST(DetectionResult, ShowsWhereMostIsWrong) {
  const DetectionResult result = half_right();
  ASSERT_EQ(result.poor.size(), 2U);
  EXPECT_EQ(result.poor[0].name, "image 0");
  EXPECT_EQ(result.poor[0].objects, 2);
  EXPECT_EQ(result.poor[0].missed, 1);
  EXPECT_EQ(result.poor[0].wrong, 1);
  EXPECT_EQ(result.poor[1].objects, 1) << "the difficult one counts neither way";
  EXPECT_EQ(result.poor[1].missed, 1);
  EXPECT_EQ(result.poor[1].wrong, 0);
}

RegressionResult small_errors() {
  const Targets data({"value"}, {1.0F, 2.0F, 3.0F, 4.0F});
  const std::vector<EstimatedValue> estimates = {{0, 1.5}, {1, 2}, {2, 2}, {2, 9}, {3, 4.5}};
  return assess_values(estimates, data, 4);
}

TEST(RegressionResult, IsTheShareOfTheVarianceThatIsExplained) {
  const RegressionResult result = small_errors();
  // Squared errors 0.25 + 0 + 1 + 0.25, of squared deviations 2 * (1.5² + 0.5²).
  EXPECT_NEAR(result.score.value, 1 - 1.5 / 5, 1e-9);
  EXPECT_NEAR(result.mean_absolute_error, 0.5, 1e-9);
  EXPECT_NEAR(result.root_mean_square_error, std::sqrt(1.5 / 4), 1e-9);
  EXPECT_NEAR(result.mean_error, 0, 1e-9);
  ASSERT_EQ(result.errors.size(), 4U);
  EXPECT_EQ(result.errors[0].name, "image 2");
}

TEST(RegressionResult, OfEstimatesWorseThanTheMeanIsNothing) {
  const Targets data({"value"}, {1.0F, 2.0F});
  const RegressionResult result =
      assess_values(std::vector<EstimatedValue>{{0, 9}, {1, 9}}, data, 2);
  EXPECT_EQ(result.score.value, 0);
  EXPECT_THAT(describe_defect(result), HasSubstr("its R² is 0"));
}

TEST(Assessment, OfEveryKindIsReadBack) {
  const Targets data({"cat", "dog"}, {0, 1, 1});
  const std::vector<Prediction> predictions = {{0, 0, 0, 0.9}, {1, 1, 0, 0.8}, {2, 1, 1, 0.7}};
  const std::vector<Assessment> kinds = {classify(predictions, data, 3), half_right(),
                                         small_errors()};
  for (const Assessment& assessment : kinds) {
    const Json json = to_json(assessment);
    EXPECT_EQ(assessment_from_json(json), assessment) << json.dump();
    const Score& score = score_of(assessment);
    EXPECT_EQ(json.at(score.metric->name), score.value);
    EXPECT_FALSE(examples_to_show(assessment).empty());
  }
}

TEST(Assessment, RefusesWhatMakesNoSense) {
  const auto refused = [](Json json, const char* path, const Json& value) {
    json[Json::json_pointer(path)] = value;
    return error_of([&] { assessment_from_json(json); });
  };
  const Json detection = to_json(Assessment(half_right()));
  EXPECT_THAT(refused(detection, "/map50", 1.5), HasSubstr("map50"));
  EXPECT_THAT(refused(detection, "/poor/0/detections/0/class", "cow"), HasSubstr("no class cow"));
  EXPECT_THAT(refused(detection, "/classes", Json::array()), HasSubstr("there are none"));
  EXPECT_THAT(refused(to_json(Assessment(small_errors())), "/errors/0/value", "x"),
              HasSubstr("value"));
  EXPECT_THAT(error_of([] { assessment_from_json({{"top5", 1}}); }), HasSubstr("none of top1"));
}

TEST(Assessment, DescribesWhatAnInferenceTells) {
  const std::vector<std::string> classes = {"cat", "dog"};
  EXPECT_EQ(describe_answer({{"label", 0}, {"predicted", 0}}, classes), "cat");
  EXPECT_EQ(describe_answer({{"label", 0}, {"predicted", 1}}, classes), "cat taken for dog");
  EXPECT_EQ(describe_answer({{"estimated", 1.25}}, classes), "1.25");
  EXPECT_EQ(describe_answer({{"detections", Json::array()}}, classes), "nothing");
  const datasets::Detections found = {{kLeft, 1, 0.5F}, {kRight, 1, 0.5F}, {kLeft, 0, 0.5F}};
  EXPECT_EQ(describe_answer({{"detections", to_json(found, classes)}}, classes), "1 cat, 2 dog");
}

}  // namespace
}  // namespace mcunet::pipeline
