#include "classification_text.hpp"

#include <fmt/format.h>

#include "text_table.hpp"

namespace mcunet::cli {
namespace {

constexpr std::size_t kMostRows = 20;

std::string percent(double share) { return fmt::format("{:.2f} %", 100 * share); }

}  // namespace

void print_classification(const pipeline::Classification& result, const std::string& split) {
  const pipeline::TopOne& top1 = result.top1;
  const pipeline::Interval interval = top1.interval();
  fmt::print("top-1        {:>12.2f} % ({} of {} examples of the {} split{})\n", 100 * top1.share(),
             top1.correct, top1.examples, split,
             top1.examples == top1.of ? "" : fmt::format(", which has {}", top1.of));
  fmt::print("95 % interval{:>12.2f} % to {:.2f} %\n", 100 * interval.low, 100 * interval.high);
  fmt::print("balanced     {:>12.2f} %\nmacro F1     {:>12.2f} %\n",
             100 * result.balanced_accuracy(), 100 * result.macro_f1());
  if (result.auc) fmt::print("AUC          {:>12.4f}\n", *result.auc);
  const std::string constant = pipeline::describe_near_constant(result);
  if (!constant.empty()) fmt::print("The network {}\n", constant);
  print_class_scores(result);
}

void print_class_scores(const pipeline::Classification& result) {
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

}  // namespace mcunet::cli
