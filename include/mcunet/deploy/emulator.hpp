#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

// Runs a firmware project on an emulated board that has the device's core. Counts are of
// instructions, deterministic, and no cycles: an emulator has no pipeline, cache or wait states.
namespace mcunet::deploy {

using Int8Bytes = std::vector<std::int8_t>;

// What model.json says of the borders of a generated network, NHWC.
struct ModelTensor {
  std::int32_t height = 1;
  std::int32_t width = 1;
  std::int32_t channels = 1;
  double scale = 0;
  std::int32_t zero_point = 0;

  std::int64_t bytes() const { return std::int64_t{height} * width * channels; }
};

struct ModelDescription {
  std::string name;
  std::vector<ModelTensor> inputs;
  std::vector<ModelTensor> outputs;
  std::vector<std::string> steps;

  // Of all inputs of one inference.
  std::int64_t input_bytes() const {
    std::int64_t total = 0;
    for (const ModelTensor& tensor : inputs) total += tensor.bytes();
    return total;
  }
};

// Reads folder/model.json. Throws Error.
ModelDescription read_model_description(const std::filesystem::path& folder);

struct EmulatorOptions {
  std::string board;  // mps2-an385, mps2-an386, mps2-an500, netduinoplus2; empty: by core
  double timeout_seconds = 600;  // for all inferences together
};

struct Inference {
  std::vector<Int8Bytes> outputs;  // in the model's order
  std::int64_t instructions = 0;   // of one invoke
};

struct StepInstructions {
  std::string name;
  std::int64_t instructions = 0;
};

struct EmulationResult {
  std::string board;
  std::vector<Inference> inferences;    // one per input
  std::vector<StepInstructions> steps;  // of the first inference
  std::int64_t stack_bytes = 0;         // high-water mark over all of them, main() included
};

// Builds the project for an emulated board in a temporary folder and runs it on every input: raw
// int8, where a network has several inputs one after another. Throws Error if a program is missing,
// if the network does not fit the board, if the firmware faults or takes too long.
EmulationResult emulate(const std::filesystem::path& folder, std::span<const Int8Bytes> inputs,
                        const EmulatorOptions& options = {});

}  // namespace mcunet::deploy
