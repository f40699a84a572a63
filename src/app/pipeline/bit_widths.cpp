#include "bit_widths.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/weights.hpp"

namespace mcunet::pipeline {

NetworkWidths widths_of(const engine::Graph& quantized, const engine::BitWidths& of_job) {
  NetworkWidths widths{.bits = {.weights = 8, .activations = of_job.activations}};
  bool has_eight = false;
  for (const engine::Op& op : quantized.ops) {
    if (!engine::takes_int4_weights(op)) continue;
    if (op.weight_bits == 4) {
      widths.bits.weights = 4;
    } else {
      has_eight = true;
    }
  }
  widths.has_both = has_eight && widths.bits.weights == 4;
  return widths;
}

std::string describe(const NetworkWidths& widths) {
  const auto& [weights, activations] = widths.bits;
  const std::string type = fmt::format("int{}", activations);
  if (widths.has_both) return type + " with weights of 4 and 8 bits";
  return weights == activations ? type : fmt::format("{} with {}-bit weights", type, weights);
}

std::string describe_bits(const NetworkWidths& widths) {
  const auto& [weights, activations] = widths.bits;
  return fmt::format("{}, {} bits", widths.has_both ? "4 and 8" : std::to_string(weights),
                     activations);
}

nlohmann::ordered_json to_json(const NetworkWidths& widths) {
  nlohmann::ordered_json json = {{"weight_bits", widths.bits.weights},
                                 {"activation_bits", widths.bits.activations}};
  if (widths.has_both) json["both_weight_bits"] = true;
  return json;
}

NetworkWidths widths_from_json(const nlohmann::ordered_json& json) {
  const auto bits = [&](const char* key) {
    const int value = json.value(key, 8);
    if (value != 8 && value != 4) throw Error("{} is {}, neither 8 nor 4", key, value);
    return value;
  };
  return {{bits("weight_bits"), bits("activation_bits")}, json.value("both_weight_bits", false)};
}

}  // namespace mcunet::pipeline
