#pragma once

#include <nlohmann/json_fwd.hpp>

#include "pipeline/media_input.hpp"

// How files become inputs, for people and for programs.
namespace mcunet::cli {

// The lines beside the word "input".
void print_preprocessing(const datasets::Preprocessing& preprocessing);

// As model.json has it.
nlohmann::ordered_json to_json(const datasets::Preprocessing& preprocessing);

}  // namespace mcunet::cli
