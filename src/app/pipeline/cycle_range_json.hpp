#pragma once

#include <cmath>
#include <nlohmann/json.hpp>

#include "mcunet/cycles/estimate.hpp"

// Estimated cycles in files and in what programs print: {"low": 1234, "high": 1300}.
namespace mcunet::cycles {

template <typename Json>
void to_json(Json& json, const CycleRange& range) {
  json = {{"low", std::llround(range.low)}, {"high", std::llround(range.high)}};
}

template <typename Json>
void from_json(const Json& json, CycleRange& range) {
  range = {.low = json.at("low").template get<double>(),
           .high = json.at("high").template get<double>()};
}

}  // namespace mcunet::cycles
