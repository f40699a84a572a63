#include "quantization_gain.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "bit_widths.hpp"

namespace mcunet::pipeline {

using Json = nlohmann::ordered_json;

Json to_json(const QuantizationGain& gain) {
  return {{fmt::format("held_out_{}", gain.post_training.metric->name),
           {{"post_training", gain.post_training.value},
            {"quantization_aware", gain.quantization_aware.value}}},
          {"held_out",
           {{"post_training", to_json(gain.post_training)},
            {"quantization_aware", to_json(gain.quantization_aware)}}},
          {"kept", gain.is_kept()}};
}

QuantizationGain gain_from_json(const Json& json) {
  const Json& held_out = json.at("held_out");
  return {score_from_json(held_out.at("post_training")),
          score_from_json(held_out.at("quantization_aware"))};
}

std::string describe(const QuantizationGain& gain, const NetworkWidths& widths) {
  std::string text = fmt::format(
      "{} in {} {} of the search split: {} by post-training quantization, "
      "{} by quantization-aware training\n",
      gain.post_training.metric->title, describe(widths), describe_examples(gain.post_training),
      describe_share(gain.post_training), describe_share(gain.quantization_aware));
  if (!gain.is_kept()) text += "The latter is worse, so the network is exported as fine-tuned\n";
  return text;
}

}  // namespace mcunet::pipeline
