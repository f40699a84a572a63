#include "score.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "mcunet/core/error.hpp"
#include "mcunet/core/json_numbers.hpp"

namespace mcunet::pipeline {
namespace {

using Json = nlohmann::ordered_json;

constexpr const Metric* kMetrics[] = {&kTopOne, &kMeanAveragePrecision, &kDetermination};

double share_of(std::int64_t part, std::int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

Interval wilson_interval(std::int64_t successes, std::int64_t trials) {
  if (trials == 0) return {};
  constexpr double z = 1.959963984540054;  // 97.5 % of the normal distribution lie below
  const auto n = static_cast<double>(trials);
  const double share = share_of(successes, trials);
  const double centre = (share + z * z / (2 * n)) / (1 + z * z / n);
  const double half =
      z * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n);
  return {successes == 0 ? 0 : std::max(0.0, centre - half),
          successes == trials ? 1 : std::min(1.0, centre + half)};
}

std::optional<Interval> Score::interval() const {
  if (!correct) return std::nullopt;
  return wilson_interval(*correct, examples);
}

Score top_one(std::int64_t correct, std::int64_t examples, std::int64_t of) {
  return {&kTopOne, share_of(correct, examples), correct, examples, of};
}

Json to_json(const Score& score) {
  const std::string name = score.metric->name;
  Json json = {{name, score.value}};
  if (const auto interval = score.interval()) {
    json[name + "_low"] = interval->low;
    json[name + "_high"] = interval->high;
  }
  if (score.correct) json["correct"] = *score.correct;
  json["examples"] = score.examples;
  json["of"] = score.of;
  return json;
}

const Metric& metric_in(const Json& json) {
  for (const Metric* metric : kMetrics) {
    if (json.contains(metric->name)) return *metric;
  }
  throw Error("there is none of top1, map50, r2");
}

Score score_from_json(const Json& json) {
  const Metric& metric = metric_in(json);
  Score score{.metric = &metric,
              .value = share_at(json, metric.name),
              .examples = count_at(json, "examples"),
              .of = count_at(json, "of")};
  if (&metric == &kTopOne) score.correct = count_at(json, "correct");
  const bool agrees =
      !score.correct || (*score.correct <= score.examples &&
                         std::abs(score.value - share_of(*score.correct, score.examples)) <= 1e-9);
  if (agrees && score.examples <= score.of) return score;
  throw Error("{} correct of {} examples of {}, and that as a share, do not go together",
              score.correct.value_or(0), score.examples, score.of);
}

std::string describe_share(const Score& score) {
  std::string text = fmt::format("{:.2f} %", 100 * score.value);
  if (const auto interval = score.interval()) {
    text += fmt::format(" ({:.1f} to {:.1f})", 100 * interval->low, 100 * interval->high);
  }
  return text;
}

std::string describe_examples(const Score& score) {
  return score.examples == score.of ? fmt::format("on {} examples", score.examples)
                                    : fmt::format("on {} of {} examples", score.examples, score.of);
}

}  // namespace mcunet::pipeline
