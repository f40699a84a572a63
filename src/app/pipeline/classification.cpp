#include "classification.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "mcunet/core/error.hpp"
#include "mcunet/core/json_numbers.hpp"
#include "mcunet/core/names.hpp"
#include "mcunet/datasets/dataset.hpp"

namespace mcunet::pipeline {
namespace {

using Json = nlohmann::ordered_json;

double share_of(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// The chance that an example of the second class has the larger margin; equal ones count half.
std::optional<double> area_under_curve(std::span<const Prediction> predictions) {
  std::vector<std::pair<double, std::int32_t>> ranked;
  for (const Prediction& p : predictions) ranked.emplace_back(p.margin, p.label);
  std::sort(ranked.begin(), ranked.end());
  double negatives = 0;  // with smaller margins
  double positives = 0;
  double wins = 0;
  for (auto first = ranked.begin(); first != ranked.end();) {
    const auto last = std::find_if(first, ranked.end(),
                                   [&](const auto& entry) { return entry.first != first->first; });
    const auto equal_positives = static_cast<double>(
        std::count_if(first, last, [](const auto& entry) { return entry.second == 1; }));
    const double equal_negatives = static_cast<double>(last - first) - equal_positives;
    wins += equal_positives * (negatives + equal_negatives / 2);
    negatives += equal_negatives;
    positives += equal_positives;
    first = last;
  }
  if (negatives == 0 || positives == 0) return std::nullopt;
  return wins / (negatives * positives);
}

std::vector<Mistake> surest_mistakes(std::span<const Prediction> predictions,
                                     const datasets::Dataset& dataset) {
  std::vector<Prediction> wrong;
  std::copy_if(predictions.begin(), predictions.end(), std::back_inserter(wrong),
               [](const Prediction& p) { return p.predicted != p.label; });
  std::sort(wrong.begin(), wrong.end(), [](const Prediction& a, const Prediction& b) {
    return a.confidence != b.confidence ? a.confidence > b.confidence : a.example < b.example;
  });
  if (wrong.size() > Classification::kMostMistakes) wrong.resize(Classification::kMostMistakes);
  std::vector<Mistake> mistakes;
  for (const Prediction& p : wrong) {
    mistakes.push_back({p.example, dataset.name(p.example), p.label, p.predicted, p.confidence});
  }
  return mistakes;
}

std::vector<Prediction> first_of_each(std::span<const Prediction> predictions) {
  std::vector<Prediction> once;
  std::set<std::int64_t> seen;
  for (const Prediction& p : predictions) {
    if (seen.insert(p.example).second) once.push_back(p);
  }
  return once;
}

template <typename Score>
double mean_over(const std::vector<ClassScore>& scores, const Score& score) {
  double sum = 0;
  std::int64_t count = 0;
  for (const ClassScore& s : scores) {
    if (const std::optional<double> value = score(s)) {
      sum += *value;
      ++count;
    }
  }
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

Json confusion_to_json(const Classification& result) {
  if (result.confusion.empty()) return nullptr;
  const auto classes = static_cast<std::ptrdiff_t>(result.classes.size());
  Json rows = Json::array();
  for (auto row = result.confusion.begin(); row != result.confusion.end(); row += classes) {
    rows.push_back(std::vector<std::int64_t>(row, row + classes));
  }
  return rows;
}

std::int32_t class_at(const Json& json, const char* key, std::size_t classes) {
  return static_cast<std::int32_t>(integer_at(json, key, 0, static_cast<double>(classes) - 1));
}

void read_confusion(const Json& rows, Classification& result) {
  if (rows.is_null()) return;
  for (const Json& row : rows) {
    for (const Json& count : row) result.confusion.push_back(integer_of(count, 0, kMostCount));
  }
  if (result.confusion.size() != result.classes.size() * result.classes.size()) {
    throw Error("confusion: must be {0} rows of {0} counts", result.classes.size());
  }
}

}  // namespace

Prediction predict(std::int64_t example, std::int32_t label, std::span<const float> logits) {
  const auto largest = std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - *largest);
  return {.example = example,
          .label = label,
          .predicted = static_cast<std::int32_t>(largest - logits.begin()),
          .confidence = 1 / sum,
          .margin = logits.size() == 2 ? static_cast<double>(logits[1]) - logits[0] : 0};
}

double ClassScore::recall() const { return share_of(correct, examples); }
double ClassScore::precision() const { return share_of(correct, predicted); }
double ClassScore::f1() const { return share_of(2 * correct, examples + predicted); }

double Classification::balanced_accuracy() const {
  return mean_over(scores, [](const ClassScore& s) {
    return s.examples == 0 ? std::nullopt : std::optional(s.recall());
  });
}

double Classification::macro_f1() const {
  return mean_over(scores, [](const ClassScore& s) {
    return s.examples + s.predicted == 0 ? std::nullopt : std::optional(s.f1());
  });
}

Classification classify(std::span<const Prediction> predictions, const datasets::Dataset& dataset,
                        std::int64_t chosen) {
  const std::vector<Prediction> once = first_of_each(predictions);
  const std::size_t classes = dataset.classes().size();
  Classification result{.classes = dataset.classes(),
                        .scores = std::vector<ClassScore>(classes),
                        .mistakes = surest_mistakes(once, dataset)};
  if (classes <= Classification::kMostInMatrix) result.confusion.resize(classes * classes);
  std::int64_t correct = 0;
  for (const Prediction& p : once) {
    const auto label = static_cast<std::size_t>(p.label);
    const auto predicted = static_cast<std::size_t>(p.predicted);
    if (predicted >= classes) {
      throw Error("the network has more classes than the dataset, which has {}", classes);
    }
    ++result.scores[label].examples;
    ++result.scores[predicted].predicted;
    if (!result.confusion.empty()) ++result.confusion[label * classes + predicted];
    if (label != predicted) continue;
    ++result.scores[label].correct;
    ++correct;
  }
  result.score = top_one(correct, std::ssize(once), dataset.size());
  result.unreadable = chosen - result.score.examples;
  if (classes == 2) result.auc = area_under_curve(once);
  return result;
}

Json to_json(const Classification& result) {
  Json json = to_json(result.score);
  json["unreadable"] = result.unreadable;
  json["balanced_accuracy"] = result.balanced_accuracy();
  json["macro_f1"] = result.macro_f1();
  json["auc"] = result.auc ? Json(*result.auc) : Json(nullptr);
  const std::int32_t constant = near_constant(result);
  json["near_constant"] =
      constant < 0 ? Json(nullptr) : Json(result.classes[static_cast<std::size_t>(constant)]);
  json["classes"] = Json::array();
  for (std::size_t i = 0; i < result.classes.size(); ++i) {
    const ClassScore& score = result.scores[i];
    json["classes"].push_back({{"name", result.classes[i]},
                               {"examples", score.examples},
                               {"predicted", score.predicted},
                               {"correct", score.correct},
                               {"recall", score.recall()},
                               {"precision", score.precision()},
                               {"f1", score.f1()}});
  }
  json["confusion"] = confusion_to_json(result);
  json["mistakes"] = Json::array();
  for (const Mistake& mistake : result.mistakes) {
    json["mistakes"].push_back({{"input", mistake.name},
                                {"example", mistake.example},
                                {"label", mistake.label},
                                {"predicted", mistake.predicted},
                                {"confidence", mistake.confidence}});
  }
  return json;
}

namespace {

void require_consistent(const Classification& result) {
  ClassScore sum;
  for (const ClassScore& score : result.scores) {
    if (score.correct > std::min(score.examples, score.predicted)) {
      throw Error("a class has more right than there are");
    }
    sum.examples += score.examples;
    sum.predicted += score.predicted;
    sum.correct += score.correct;
  }
  if (result.scores.empty() || sum.examples != result.score.examples ||
      sum.predicted != sum.examples || sum.correct != result.score.correct) {
    throw Error("the counts of its classes do not add up to the whole");
  }
}

}  // namespace

Classification classification_from_json(const Json& json) {
  Classification result{.score = score_from_json(json), .unreadable = count_at(json, "unreadable")};
  for (const Json& entry : json.at("classes")) {
    result.classes.push_back(entry.at("name").get<std::string>());
    result.scores.push_back(
        {count_at(entry, "examples"), count_at(entry, "predicted"), count_at(entry, "correct")});
  }
  require_consistent(result);
  read_confusion(json.at("confusion"), result);
  if (!json.at("auc").is_null()) result.auc = share_at(json, "auc");
  for (const Json& entry : json.at("mistakes")) {
    result.mistakes.push_back({.example = count_at(entry, "example"),
                               .name = entry.at("input").get<std::string>(),
                               .label = class_at(entry, "label", result.classes.size()),
                               .predicted = class_at(entry, "predicted", result.classes.size()),
                               .confidence = share_at(entry, "confidence")});
  }
  return result;
}

std::int32_t most_taken_for(const Classification& result, std::size_t label) {
  const std::size_t classes = result.classes.size();
  std::int32_t best = -1;
  std::int64_t most = 0;
  if (result.confusion.empty()) return best;
  for (std::size_t other = 0; other < classes; ++other) {
    const std::int64_t count = result.confusion[label * classes + other];
    if (other == label || count <= most) continue;
    most = count;
    best = static_cast<std::int32_t>(other);
  }
  return best;
}

std::int32_t near_constant(const Classification& result) {
  constexpr std::int64_t kLeastExamples = 10;
  constexpr double kShare = 0.95;
  const auto most = std::max_element(
      result.scores.begin(), result.scores.end(),
      [](const ClassScore& a, const ClassScore& b) { return a.predicted < b.predicted; });
  if (result.score.examples < kLeastExamples) return -1;
  const bool is_taken_for_all = share_of(most->predicted, result.score.examples) >= kShare;
  const bool is_all = share_of(most->examples, result.score.examples) >= kShare;
  const bool is_only_answer = most->predicted == result.score.examples;
  const bool is_only_class = most->examples == result.score.examples;
  if (!is_taken_for_all || is_only_class || (is_all && !is_only_answer)) return -1;
  return static_cast<std::int32_t>(most - result.scores.begin());
}

std::string describe_near_constant(const Classification& result) {
  const std::int32_t constant = near_constant(result);
  if (constant < 0) return "";
  const auto label = static_cast<std::size_t>(constant);
  return fmt::format("takes {} of {} examples for {}: it hardly tells the classes apart",
                     result.scores[label].predicted, result.score.examples,
                     escaped(result.classes[label]));
}

std::vector<std::size_t> classes_to_show(const Classification& result, std::size_t most) {
  std::vector<std::size_t> labels;
  for (std::size_t i = 0; i < result.scores.size(); ++i) {
    if (result.scores[i].examples > 0) labels.push_back(i);
  }
  if (labels.size() <= most) return labels;
  std::stable_sort(labels.begin(), labels.end(), [&](std::size_t a, std::size_t b) {
    return result.scores[a].recall() < result.scores[b].recall();
  });
  labels.resize(most);
  return labels;
}

}  // namespace mcunet::pipeline
