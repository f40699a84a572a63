#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "score.hpp"

// What the values that a network tells for a split of a dataset are worth.
namespace mcunet::datasets {
class Dataset;
}

namespace mcunet::pipeline {

struct EstimatedValue {
  std::int64_t example = 0;  // index in the dataset
  double value = 0;

  bool operator==(const EstimatedValue&) const = default;
};

// An example whose value is far off.
struct ValueError {
  std::int64_t example = 0;
  std::string name;
  double value = 0;  // of the data
  double estimated = 0;

  bool operator==(const ValueError&) const = default;
};

struct RegressionResult {
  Score score;                  // coefficient of determination
  std::int64_t unreadable = 0;  // of the examples that were chosen
  double mean_absolute_error = 0;
  double root_mean_square_error = 0;
  double mean_error = 0;           // above 0: estimates are too large
  std::vector<ValueError> errors;  // the largest first, at most kMostErrors

  static constexpr std::size_t kMostErrors = 12;
  bool operator==(const RegressionResult&) const = default;
};

// `chosen` examples of the dataset were to be estimated; those without an estimate were unreadable. Of
// several estimates for an example the first counts.
RegressionResult assess_values(std::span<const EstimatedValue> estimates,
                               const datasets::Dataset& dataset, std::int64_t chosen);

// The score's keys, and unreadable, mean_absolute_error, root_mean_square_error, mean_error, errors[]
// {input, example, value, estimated}. Reading throws Error if something is missing or makes no sense.
nlohmann::ordered_json to_json(const RegressionResult& result);
RegressionResult regression_from_json(const nlohmann::ordered_json& json);

}  // namespace mcunet::pipeline
