#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

// How people and files are told of the bits that the weights of a job have once they are quantized.
namespace mcunet::pipeline {

// What a network computes in: "int8", or "int8 with 4-bit weights".
std::string describe_widths(int weight_bits);

// "weight_bits" of a stage's results; 8 where they do not say. Throws Error if it is neither 8 nor 4.
int weight_bits_in(const nlohmann::ordered_json& json);

}  // namespace mcunet::pipeline
