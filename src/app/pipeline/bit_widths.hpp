#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "mcunet/engine/graph/activations.hpp"

// How people and files are told of the bits that a job's networks have once they are quantized.
namespace mcunet::pipeline {

// What a network computes in: "int8", "int8 with 4-bit weights", "int4".
std::string describe(const engine::BitWidths& widths);
// "4, 8 bits": of weights, of activations.
std::string describe_bits(const engine::BitWidths& widths);

// "weight_bits" and "activation_bits" of a stage's results, and how they are read: 8 where they do not say.
// Throws Error if one is neither 8 nor 4.
nlohmann::ordered_json to_json(const engine::BitWidths& widths);
engine::BitWidths widths_from_json(const nlohmann::ordered_json& json);

}  // namespace mcunet::pipeline
