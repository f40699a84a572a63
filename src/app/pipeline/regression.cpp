#include "regression.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "mcunet/core/error.hpp"
#include "mcunet/core/json_numbers.hpp"
#include "mcunet/datasets/dataset.hpp"

namespace mcunet::pipeline {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kMost = 1e30;

std::vector<ValueError> errors_of(std::span<const EstimatedValue> estimates,
                                  const datasets::Dataset& dataset) {
  std::vector<ValueError> errors;
  std::set<std::int64_t> seen;
  for (const EstimatedValue& estimate : estimates) {
    if (!seen.insert(estimate.example).second) continue;
    const double value = std::get<float>(dataset.target(estimate.example));
    errors.push_back({.example = estimate.example, .value = value, .estimated = estimate.value});
  }
  return errors;
}

double difference(const ValueError& error) { return error.estimated - error.value; }

// 1 less the squared errors' share of the squared deviations from the mean.
double determination(std::span<const ValueError> errors, double squares) {
  double mean = 0;
  for (const ValueError& error : errors) mean += error.value / static_cast<double>(errors.size());
  double deviations = 0;
  for (const ValueError& error : errors) deviations += (error.value - mean) * (error.value - mean);
  return deviations == 0 ? 0 : std::clamp(1 - squares / deviations, 0.0, 1.0);
}

}  // namespace

RegressionResult assess_values(std::span<const EstimatedValue> estimates,
                               const datasets::Dataset& dataset, std::int64_t chosen) {
  std::vector<ValueError> errors = errors_of(estimates, dataset);
  const auto count = static_cast<double>(errors.size());
  RegressionResult result{.unreadable = chosen - std::ssize(errors)};
  double squares = 0;
  for (const ValueError& error : errors) {
    result.mean_absolute_error += std::abs(difference(error)) / count;
    result.mean_error += difference(error) / count;
    squares += difference(error) * difference(error);
  }
  result.root_mean_square_error = errors.empty() ? 0 : std::sqrt(squares / count);
  result.score = {.metric = &kDetermination,
                  .value = determination(errors, squares),
                  .examples = std::ssize(errors),
                  .of = dataset.size()};
  std::stable_sort(errors.begin(), errors.end(), [](const ValueError& a, const ValueError& b) {
    return std::abs(difference(a)) > std::abs(difference(b));
  });
  if (errors.size() > RegressionResult::kMostErrors) errors.resize(RegressionResult::kMostErrors);
  for (ValueError& error : errors) error.name = dataset.name(error.example);
  result.errors = std::move(errors);
  return result;
}

Json to_json(const RegressionResult& result) {
  Json json = to_json(result.score);
  json.update({{"unreadable", result.unreadable},
               {"mean_absolute_error", result.mean_absolute_error},
               {"root_mean_square_error", result.root_mean_square_error},
               {"mean_error", result.mean_error},
               {"errors", Json::array()}});
  for (const ValueError& error : result.errors) {
    json["errors"].push_back({{"input", error.name},
                              {"example", error.example},
                              {"value", error.value},
                              {"estimated", error.estimated}});
  }
  return json;
}

RegressionResult regression_from_json(const Json& json) {
  RegressionResult result{
      .score = score_from_json(json),
      .unreadable = count_at(json, "unreadable"),
      .mean_absolute_error = number_at(json, "mean_absolute_error", 0, kMost),
      .root_mean_square_error = number_at(json, "root_mean_square_error", 0, kMost),
      .mean_error = number_at(json, "mean_error", -kMost, kMost)};
  for (const Json& entry : json.at("errors")) {
    result.errors.push_back({count_at(entry, "example"), entry.at("input"),
                             number_at(entry, "value", -kMost, kMost),
                             number_at(entry, "estimated", -kMost, kMost)});
  }
  return result;
}

}  // namespace mcunet::pipeline
