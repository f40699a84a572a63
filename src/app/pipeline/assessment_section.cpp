#include "assessment_section.hpp"

#include <fmt/format.h>

#include <cmath>

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

std::string of_unreadable(std::int64_t unreadable) {
  return unreadable == 0 ? "" : fmt::format("; {} files are unreadable", unreadable);
}

std::string describe_scores(const Classification& result) {
  std::string text = fmt::format(
      "Top-1 {} at 95 % confidence, {} of the test set. Balanced accuracy {}, macro F1 {:.3f}",
      describe_share(result.score), describe_examples(result.score),
      percent(result.balanced_accuracy()), result.macro_f1());
  if (result.auc) text += fmt::format(", area under the ROC curve {:.4f}", *result.auc);
  const std::string constant = describe_near_constant(result);
  if (!constant.empty()) text += "; the network " + constant;
  return text + of_unreadable(result.unreadable) + ".";
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

// Pictures of examples that were got wrong, with their captions.
void add_pictures(report::HtmlPage& page, const char* heading,
                  const std::vector<std::string>& captions, const fs::path& run) {
  if (captions.empty()) return;
  std::vector<report::Figure> pictures;
  for (std::size_t i = 0; i < captions.size(); ++i) {
    const fs::path file = run / mistake_picture(i);
    pictures.push_back(
        {fs::exists(file) ? picture(file, captions[i]) : report::Markup{}, captions[i]});
  }
  page.subheading(heading);
  page.pictures(pictures);
}

std::string file_of(const std::string& name) { return fs::path(name).filename().string(); }

void add(report::HtmlPage& page, const Classification& result, const fs::path& run) {
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
  std::vector<std::string> captions;
  for (const Mistake& mistake : result.mistakes) {
    captions.push_back(fmt::format("{} taken for {} ({:.0f} %): {}",
                                   result.classes[static_cast<std::size_t>(mistake.label)],
                                   result.classes[static_cast<std::size_t>(mistake.predicted)],
                                   100 * mistake.confidence, file_of(mistake.name)));
  }
  add_pictures(page, "Got wrong most surely", captions, run);
}

void add(report::HtmlPage& page, const DetectionResult& result, const fs::path& run) {
  page.paragraph(fmt::format(
      "Mean average precision at an overlap of 0.5: {}, {} of the test set (VOC 2007's eleven points: "
      "{}). COCO's AP {}, AP75 {}{}.",
      describe_share(result.score), describe_examples(result.score), percent(result.eleven_points),
      percent(result.coco), percent(result.coco_75), of_unreadable(result.unreadable)));
  report::TableRows rows = {{"class", "objects", "boxes of any score", "average precision"}};
  for (const DetectedClass& c : result.classes) {
    rows.push_back({c.name, std::to_string(c.objects), std::to_string(c.detections),
                    percent(c.average_precision)});
  }
  page.table(rows);
  std::vector<std::string> captions;
  for (const PoorExample& example : result.poor) {
    captions.push_back(fmt::format("{} of {} objects missed, {} boxes of nothing: {}",
                                   example.missed, example.objects, example.wrong,
                                   file_of(example.name)));
  }
  add_pictures(page, "Got wrong most often: what there is, and what was found", captions, run);
}

void add(report::HtmlPage& page, const RegressionResult& result, const fs::path& run) {
  page.paragraph(fmt::format(
      "R² {}, {} of the test set. Mean absolute error {:.4g}, root mean square error {:.4g}, on the "
      "mean {:.4g} too {}{}.",
      describe_share(result.score), describe_examples(result.score), result.mean_absolute_error,
      result.root_mean_square_error, std::abs(result.mean_error),
      result.mean_error < 0 ? "small" : "large", of_unreadable(result.unreadable)));
  std::vector<std::string> captions;
  for (const ValueError& error : result.errors) {
    captions.push_back(fmt::format("{:.4g} taken for {:.4g}: {}", error.value, error.estimated,
                                   file_of(error.name)));
  }
  add_pictures(page, "Furthest off", captions, run);
}

}  // namespace

void add_samples(report::HtmlPage& page, const std::vector<std::string>& classes,
                 const fs::path& run) {
  std::vector<report::Figure> rows;
  for (std::size_t label = 0; label < classes.size(); ++label) {
    const fs::path file = run / class_picture(label);
    if (!fs::exists(file)) continue;
    rows.push_back({picture(file, "examples of " + classes[label]), classes[label]});
  }
  if (rows.empty()) return;
  page.heading("What the network is shown");
  page.paragraph(fmt::format("Examples of the test set{}, as they reach the network.",
                             rows.size() < classes.size() ? fmt::format(", of {} of its {} classes",
                                                                        rows.size(), classes.size())
                                                          : ""));
  page.samples(rows);
}

void add_assessment(report::HtmlPage& page, const Assessment& assessment, const fs::path& run) {
  std::visit([&](const auto& result) { add(page, result, run); }, assessment);
}

}  // namespace mcunet::pipeline
