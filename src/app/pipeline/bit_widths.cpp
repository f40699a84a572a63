#include "bit_widths.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "mcunet/core/error.hpp"

namespace mcunet::pipeline {

std::string describe(const engine::BitWidths& widths) {
  const std::string activations = fmt::format("int{}", widths.activations);
  if (widths.weights == widths.activations) return activations;
  return fmt::format("{} with {}-bit weights", activations, widths.weights);
}

std::string describe_bits(const engine::BitWidths& widths) {
  return fmt::format("{}, {} bits", widths.weights, widths.activations);
}

nlohmann::ordered_json to_json(const engine::BitWidths& widths) {
  return {{"weight_bits", widths.weights}, {"activation_bits", widths.activations}};
}

engine::BitWidths widths_from_json(const nlohmann::ordered_json& json) {
  const auto bits = [&](const char* key) {
    const int value = json.value(key, 8);
    if (value != 8 && value != 4) throw Error("{} is {}, neither 8 nor 4", key, value);
    return value;
  };
  return {bits("weight_bits"), bits("activation_bits")};
}

}  // namespace mcunet::pipeline
