#pragma once

#include <optional>
#include <string>

#include "mcunet/engine/codegen/compiler.hpp"
#include "mcunet/engine/graph/graph.hpp"

namespace mcunet::pipeline {

// What a user means by NET: the name of a reference network, a network JSON or a .tflite file.
struct NetworkSource {
  std::string name_or_file;
  std::optional<double> width_multiplier;  // reference networks only
  std::optional<int> resolution;
  // 4 or 8, where a network JSON does not state its own. Of a .tflite its weights are left out then, so
  // that it can be planned alone.
  std::optional<int> weight_bits;
  std::optional<int> activation_bits;  // 4 or 8; not of .tflite files, which say it themselves
  // .tflite files only, as in CompileOptions
  engine::Borders borders = engine::Borders::kCaller;
  bool fuses_padding = true;
};

// Whether it is a model that can be compiled, by its name.
bool is_model_file(const NetworkSource& source);

// A .tflite is prepared as for compiling it, so that a plan of it refuses what compiling it does.
// Throws Error if there is no such network or the scale does not apply to it.
engine::Graph load_network(const NetworkSource& source);

}  // namespace mcunet::pipeline
