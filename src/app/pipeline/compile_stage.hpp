#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "mcunet/datasets/postprocessing.hpp"
#include "mcunet/datasets/preprocessing.hpp"
#include "mcunet/deploy/device.hpp"
#include "mcunet/deploy/firmware.hpp"
#include "mcunet/engine/codegen/compiler.hpp"

namespace mcunet::pipeline {

// What a compiled model needs, planned and linked.
struct CompileResult {
  std::int64_t arena_bytes = 0;  // with kernel scratch, and samples where the code takes in sound
  std::int64_t lower_bound_bytes = 0;  // of the arena with the least scratch
  std::int64_t state_bytes = 0;        // beside it: what is kept between inferences
  engine::ScratchGrowth scratch_growth = engine::ScratchGrowth::kWithinBudget;
  engine::ScratchGain scratch_gain;  // what the arena is larger for than it has to be
  double saved_ms = 0;               // of an inference by that, by the device's latency model
  std::int64_t macs = 0;
  std::int64_t constant_bytes = 0;  // weights, biases, multipliers, tables
  deploy::FirmwareReport firmware;

  // As planned: the arena, which holds the kernels' scratch, and state. `firmware` has what was linked.
  std::int64_t peak_sram_bytes() const { return arena_bytes + state_bytes; }
  std::int64_t least_sram_bytes() const { return peak_sram_bytes() - scratch_gain.bytes; }
  // Start-up, kernels and generated code, as linked.
  std::int64_t code_bytes() const { return firmware.text_bytes - constant_bytes; }
};

// Turns an int8 .tflite into a folder of C with a firmware project around it, and links that for
// the device. The folder is complete or not there: it is made under another name and renamed.
// Without a choice of the console it is the device's default. With a preprocessing the folder also
// says, and has C, that turns pixels or sound into the network's input; sound in memory of the arena.
// With a postprocessing it says, and has C for, what the output means; the classes are then those of
// the postprocessing, not of the options. Kernels get scratch up to the device's budget, or to options.sram_budget_bytes if that is less, and no more than what lets the
// firmware link. Firmware that does not fit is a result. In model.json the network has the name that
// is given, else the file's. Throws Error.
CompileResult compile_model(const std::filesystem::path& model, const deploy::Device& device,
                            const engine::CompileOptions& options,
                            const std::filesystem::path& folder,
                            std::optional<deploy::ConsoleKind> console = std::nullopt,
                            const std::optional<datasets::Preprocessing>& preprocessing = {},
                            const std::string& name = "",
                            const std::optional<datasets::Postprocessing>& postprocessing = {});

// What the model would need less without its dead channels, if `options` keep them and it has some: for people, or "".
std::string describe_folding(const std::filesystem::path& model,
                             const engine::CompileOptions& options);

// What the arena has beyond the least: as lines for people, none if that is nothing, and as a JSON
// object.
std::vector<std::string> describe_memory(const CompileResult& result);
std::string memory_to_json(const CompileResult& result);

}  // namespace mcunet::pipeline
