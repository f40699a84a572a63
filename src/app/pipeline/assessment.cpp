#include "assessment.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "mcunet/core/json_numbers.hpp"

namespace mcunet::pipeline {

using Json = nlohmann::ordered_json;

const Score& score_of(const Assessment& assessment) {
  return std::visit([](const auto& result) -> const Score& { return result.score; }, assessment);
}

Json to_json(const Assessment& assessment) {
  return std::visit([](const auto& result) { return to_json(result); }, assessment);
}

Assessment assessment_from_json(const Json& json) {
  const Metric& metric = metric_in(json);
  if (&metric == &kMeanAveragePrecision) return detection_from_json(json);
  if (&metric == &kDetermination) return regression_from_json(json);
  return classification_from_json(json);
}

std::vector<std::int64_t> examples_to_show(const Assessment& assessment) {
  struct {
    const auto& operator()(const Classification& result) const { return result.mistakes; }
    const auto& operator()(const DetectionResult& result) const { return result.poor; }
    const auto& operator()(const RegressionResult& result) const { return result.errors; }
  } list;
  return std::visit(
      [&](const auto& result) {
        std::vector<std::int64_t> examples;
        for (const auto& entry : list(result)) examples.push_back(entry.example);
        return examples;
      },
      assessment);
}

std::string describe_answer(const Json& inference, const std::vector<std::string>& classes) {
  if (inference.contains("detections")) {
    std::map<std::string, int> found;
    for (const Json& detection : inference.at("detections")) {
      ++found[detection.at("class").get<std::string>()];
    }
    std::string text;
    for (const auto& [name, count] : found) {
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, name);
    }
    return text.empty() ? "nothing" : text;
  }
  if (inference.contains("estimated")) {
    return fmt::format("{:.5g}", inference.at("estimated").get<double>());
  }
  const auto name = [&](const char* key) {
    return classes.at(static_cast<std::size_t>(count_at(inference, key)));
  };
  const std::string predicted = name("predicted");
  const std::string label = name("label");
  return label == predicted ? label : fmt::format("{} taken for {}", label, predicted);
}

std::string describe_defect(const Assessment& assessment) {
  if (const auto* classification = std::get_if<Classification>(&assessment)) {
    return describe_near_constant(*classification);
  }
  const Score& score = score_of(assessment);
  if (score.value > 0 || score.examples == 0) return "";
  if (const auto* found = std::get_if<DetectionResult>(&assessment)) {
    const bool has_objects = std::any_of(found->classes.begin(), found->classes.end(),
                                         [](const DetectedClass& c) { return c.objects > 0; });
    if (!has_objects) return "";  // to be found
  }
  return fmt::format("has learnt nothing that counts: its {} is 0", score.metric->title);
}

}  // namespace mcunet::pipeline
