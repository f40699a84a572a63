#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "mcunet/engine/graph/activations.hpp"
#include "mcunet/engine/graph/graph.hpp"

// How people and files are told of the bits that a job's networks have once they are quantized.
namespace mcunet::pipeline {

// Of a network that is quantized: some layers may have weights of 8 bits where others have 4.
struct NetworkWidths {
  engine::BitWidths bits;  // the fewest that weights have
  bool has_both = false;

  bool operator==(const NetworkWidths&) const = default;
};

NetworkWidths widths_of(const engine::Graph& quantized, const engine::BitWidths& of_job);

// What a network computes in: "int8", "int8 with 4-bit weights", "int8 with weights of 4 and 8 bits", "int4".
std::string describe(const NetworkWidths& widths);
// "4, 8 bits": of weights, of activations.
std::string describe_bits(const NetworkWidths& widths);

// "weight_bits", "activation_bits" and, where both are there, "both_weight_bits" of a stage's results, and how
// they are read: 8 where they do not say. Throws Error if one is neither 8 nor 4.
nlohmann::ordered_json to_json(const NetworkWidths& widths);
NetworkWidths widths_from_json(const nlohmann::ordered_json& json);

}  // namespace mcunet::pipeline
