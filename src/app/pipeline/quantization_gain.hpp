#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "bit_widths.hpp"
#include "score.hpp"

namespace mcunet::pipeline {

// Scores of the quantized network on the held-out split: of one quantized as it was, and of the same
// trained on with the rounding simulated.
struct QuantizationGain {
  Score post_training;
  Score quantization_aware;

  // Whether what was trained on is at least as good, and so what is exported.
  bool is_kept() const { return quantization_aware.value >= post_training.value; }
};

// {"held_out_NAME": {"post_training": …, "quantization_aware": …} by the name of the metric, "held_out":
// the same with the score's keys, "kept": …}; and back, which throws Error.
nlohmann::ordered_json to_json(const QuantizationGain& gain);
QuantizationGain gain_from_json(const nlohmann::ordered_json& json);

// For people, in lines with an end each.
std::string describe(const QuantizationGain& gain, const NetworkWidths& widths);

}  // namespace mcunet::pipeline
