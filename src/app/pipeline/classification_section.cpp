#include "classification_section.hpp"

#include <fmt/format.h>

#include "mcunet/core/files.hpp"
#include "report/confusion_matrix.hpp"
#include "run_pictures.hpp"

namespace mcunet::pipeline {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostRows = 40;
constexpr std::size_t kMostInMatrix = 30;

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

report::Markup picture(const fs::path& file, const std::string& description) {
  return report::inline_image(read_file(file), "image/jpeg", description);
}

std::string describe_scores(const Classification& result) {
  std::string text = fmt::format(
      "Top-1 {} at 95 % confidence, {} of the test set. Balanced accuracy {}, macro F1 {:.3f}",
      describe_share(result.top1), describe_examples(result.top1),
      percent(result.balanced_accuracy()), result.macro_f1());
  if (result.auc) text += fmt::format(", area under the ROC curve {:.4f}", *result.auc);
  const std::string constant = describe_near_constant(result);
  if (!constant.empty()) text += "; the network " + constant;
  if (result.unreadable > 0) text += fmt::format("; {} files are unreadable", result.unreadable);
  return text + ".";
}

report::TableRows score_rows(const Classification& result, const std::vector<std::size_t>& shown) {
  report::TableRows rows = {
      {"class", "examples", "recall", "95 %", "precision", "F1", "most taken for"}};
  for (const std::size_t label : shown) {
    const ClassScore& score = result.scores[label];
    const Interval interval = wilson_interval(score.correct, score.examples);
    const std::int32_t other = most_taken_for(result, label);
    rows.push_back({result.classes[label], std::to_string(score.examples), percent(score.recall()),
                    fmt::format("{:.0f}–{:.0f}", 100 * interval.low, 100 * interval.high),
                    percent(score.precision()), fmt::format("{:.3f}", score.f1()),
                    other < 0 ? "" : result.classes[static_cast<std::size_t>(other)]});
  }
  return rows;
}

void add_mistakes(report::HtmlPage& page, const Classification& result, const fs::path& run) {
  std::vector<report::Figure> pictures;
  for (std::size_t i = 0; i < result.mistakes.size(); ++i) {
    const Mistake& mistake = result.mistakes[i];
    const fs::path file = run / mistake_picture(i);
    const std::string caption = fmt::format(
        "{} taken for {} ({:.0f} %): {}", result.classes[static_cast<std::size_t>(mistake.label)],
        result.classes[static_cast<std::size_t>(mistake.predicted)], 100 * mistake.confidence,
        fs::path(mistake.name).filename().string());
    pictures.push_back(
        {fs::exists(file) ? picture(file, mistake.name) : report::Markup{}, caption});
  }
  if (pictures.empty()) return;
  page.subheading("Got wrong most surely");
  page.pictures(pictures);
}

}  // namespace

void add_samples(report::HtmlPage& page, const Classification& result, const fs::path& run) {
  std::vector<report::Figure> rows;
  for (std::size_t label = 0; label < result.classes.size(); ++label) {
    const fs::path file = run / class_picture(label);
    if (!fs::exists(file)) continue;
    rows.push_back({picture(file, "examples of " + result.classes[label]), result.classes[label]});
  }
  if (rows.empty()) return;
  page.heading("What the network is shown");
  page.paragraph(
      fmt::format("Examples of the test set{}, as they reach the network.",
                  rows.size() < result.classes.size()
                      ? fmt::format(", of {} of its {} classes", rows.size(), result.classes.size())
                      : ""));
  page.samples(rows);
}

void add_classification(report::HtmlPage& page, const Classification& result, const fs::path& run) {
  page.paragraph(describe_scores(result));
  const std::vector<std::size_t> shown = classes_to_show(result, kMostRows);
  page.table(score_rows(result, shown));
  if (shown.size() == kMostRows && shown.size() < result.classes.size()) {
    page.paragraph(
        fmt::format("Of {} classes, the {} of least recall.", result.classes.size(), shown.size()));
  }
  if (!result.confusion.empty() && result.classes.size() <= kMostInMatrix) {
    page.subheading("What was taken for what");
    page.add(report::draw_confusion({result.classes, result.confusion}));
  }
  add_mistakes(page, result, run);
}

}  // namespace mcunet::pipeline
