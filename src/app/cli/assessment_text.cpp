#include "assessment_text.hpp"

#include <fmt/format.h>

#include "text_table.hpp"

namespace mcunet::cli {
namespace {

using pipeline::Classification;
using pipeline::DetectionResult;
using pipeline::RegressionResult;
using pipeline::Score;

constexpr std::size_t kMostRows = 20;

std::string percent(double share) { return fmt::format("{:.2f} %", 100 * share); }

void print_score(const Score& score, const std::string& split) {
  fmt::print("{:<13}{:>12.2f} % (", score.metric->title, 100 * score.value);
  if (score.correct) fmt::print("{} of ", *score.correct);
  fmt::print("{} examples of the {} split{})\n", score.examples, split,
             score.examples == score.of ? "" : fmt::format(", which has {}", score.of));
  if (const auto interval = score.interval()) {
    fmt::print("95 % interval{:>12.2f} % to {:.2f} %\n", 100 * interval->low, 100 * interval->high);
  }
}

void print_more(const Classification& result) {
  fmt::print("balanced     {:>12.2f} %\nmacro F1     {:>12.2f} %\n",
             100 * result.balanced_accuracy(), 100 * result.macro_f1());
  if (result.auc) fmt::print("AUC          {:>12.4f}\n", *result.auc);
}

void print_more(const DetectionResult& result) {
  fmt::print("eleven points{:>12.2f} % (VOC 2007)\nCOCO AP      {:>12.2f} %\n",
             100 * result.eleven_points, 100 * result.coco);
  fmt::print("COCO AP75    {:>12.2f} %\n", 100 * result.coco_75);
}

void print_more(const RegressionResult& result) {
  fmt::print("mean |error| {:>12.5g}\nRMS error    {:>12.5g}\nmean error   {:>12.5g}\n",
             result.mean_absolute_error, result.root_mean_square_error, result.mean_error);
}

void print_classes(const Classification& result) {
  const std::vector<std::size_t> shown = pipeline::classes_to_show(result, kMostRows);
  TextTable table({"class", "examples", "recall", "precision", "F1", "most taken for"});
  for (const std::size_t label : shown) {
    const pipeline::ClassScore& score = result.scores[label];
    const std::int32_t other = pipeline::most_taken_for(result, label);
    table.add_row({result.classes[label], std::to_string(score.examples), percent(score.recall()),
                   percent(score.precision()), percent(score.f1()),
                   other < 0 ? "" : result.classes[static_cast<std::size_t>(other)]});
  }
  fmt::print("{}", table.to_string());
  if (shown.size() < result.classes.size() && shown.size() == kMostRows) {
    fmt::print("(of {} classes, those of least recall)\n", result.classes.size());
  }
}

void print_classes(const DetectionResult& result) {
  TextTable table({"class", "objects", "boxes", "average precision"});
  for (const pipeline::DetectedClass& c : result.classes) {
    table.add_row({c.name, std::to_string(c.objects), std::to_string(c.detections),
                   percent(c.average_precision)});
  }
  fmt::print("{}", table.to_string());
}

void print_classes(const RegressionResult&) {}

}  // namespace

void print_assessment(const pipeline::Assessment& assessment, const std::string& split) {
  print_score(pipeline::score_of(assessment), split);
  std::visit([](const auto& result) { print_more(result); }, assessment);
  const std::string defect = pipeline::describe_defect(assessment);
  if (!defect.empty()) fmt::print("The network {}\n", defect);
  print_class_scores(assessment);
}

void print_class_scores(const pipeline::Assessment& assessment) {
  std::visit([](const auto& result) { print_classes(result); }, assessment);
}

}  // namespace mcunet::cli
