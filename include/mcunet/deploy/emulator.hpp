#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mcunet/cycles/estimate.hpp"
#include "mcunet/engine/codegen/compiler.hpp"
#include "mcunet/engine/graph/graph.hpp"

// Runs a firmware project on an emulated board that has the device's core. Counts of instructions
// are exact and always the same. Cycles are an estimate (cycles/): an emulator has no pipeline, cache
// or wait states.
namespace mcunet::deploy {

// The bytes of a tensor: int8 values, or what uint8 and float look like in memory.
using Int8Bytes = std::vector<std::int8_t>;

// What model.json says of the borders of a generated network, NHWC.
struct ModelTensor {
  std::int32_t height = 1;
  std::int32_t width = 1;
  std::int32_t channels = 1;
  engine::DataType type = engine::DataType::kInt8;  // or kUint8, kFloat32
  double scale = 0;
  std::int32_t zero_point = 0;

  std::int64_t elements() const { return std::int64_t{height} * width * channels; }
  std::int64_t bytes() const { return engine::bytes_of_elements(elements(), type); }
};

// A network that comes with its feature extraction (features.h), which makes input 0 of sound.
struct ModelFeatures {
  std::int32_t sample_rate = 0;  // Hz
  std::int32_t samples = 0;      // of a clip, int16, one channel

  std::int64_t clip_bytes() const { return std::int64_t{2} * samples; }
};

struct ModelDescription {
  std::string name;
  std::vector<ModelTensor> inputs;
  std::vector<ModelTensor> outputs;
  // What the values of output 0 stand for; or what a detector finds. Empty: not known.
  std::vector<std::string> classes;
  std::vector<std::string> steps;
  engine::Borders borders = engine::Borders::kCaller;
  engine::ModelNames names;                         // of files and symbols
  std::optional<engine::PixelFormat> input_format;  // of the pixels that the firmware takes, if any
  std::optional<ModelFeatures> features;
  bool is_detector = false;      // comes with what finds objects in output 0 (detections.h)
  std::int64_t state_bytes = 0;  // kept from one inference to the next

  // Of all inputs of one inference.
  std::int64_t input_bytes() const {
    std::int64_t total = 0;
    for (const ModelTensor& tensor : inputs) total += tensor.bytes();
    return total;
  }
  // Of what the firmware takes in for one inference: the inputs, or the pixels of which it makes one.
  std::int64_t given_bytes() const {
    if (!input_format) return input_bytes();
    return bytes_of_pixels(*input_format, std::int64_t{inputs[0].height} * inputs[0].width);
  }
};

// Reads folder/model.json. Throws Error.
ModelDescription read_model_description(const std::filesystem::path& folder);

struct EmulatorOptions {
  std::string board;  // mps2-an385, mps2-an386, mps2-an500, netduinoplus2; empty: by core
  double timeout_seconds = 600;  // for all inferences together
  bool traces_steps = false;     // hash what each step of each inference gives
  bool estimates_cycles = false;
  // Inputs are clips, the int16 samples of each in little endian, of which the firmware makes the
  // network's input first.
  bool takes_samples = false;
};

struct Inference {
  std::vector<Int8Bytes> outputs;  // in the model's order
  std::int64_t instructions = 0;   // of one invoke
  cycles::CycleRange cycles;       // if asked for
  // If the input was a clip: the network's input that the firmware made of it.
  Int8Bytes features;
  std::int64_t feature_instructions = 0;
  cycles::CycleRange feature_cycles;
  // If the network is a detector: what the firmware found, as many struct mcunet_detection
  // (engine/kernels/detections.h) as they lie in memory.
  Int8Bytes detections;
  std::int64_t detection_instructions = 0;
  cycles::CycleRange detection_cycles;
  // If asked for: the 64-bit FNV-1a hash of each step's output, as it lies in memory when the step
  // is done.
  std::vector<std::uint64_t> step_hashes;
};

struct StepCost {
  std::string name;
  std::int64_t instructions = 0;
  cycles::CycleRange cycles;  // if asked for
};

struct EmulationResult {
  std::string board;
  std::vector<Inference> inferences;  // one per input
  // Of the first inference; feature extraction comes first, and what finds objects last.
  std::vector<StepCost> steps;
  // If cycles were asked for: where they go, of all inferences, the costliest first.
  std::vector<cycles::LoopCost> loops;
  std::int64_t stack_bytes = 0;  // high-water mark over all of them, main() included
};

// Throws Error, with the package to install, if a program that emulate() needs is not there.
void require_emulator();

// Builds the project for an emulated board in a temporary folder and runs it on every input: the
// raw bytes of each tensor in its type, where a network has several inputs one after another; or a
// clip, see EmulatorOptions::takes_samples. Throws Error if a program is missing, if the network
// does not fit the board, if the firmware faults or takes too long.
EmulationResult emulate(const std::filesystem::path& folder, std::span<const Int8Bytes> inputs,
                        const EmulatorOptions& options = {});

}  // namespace mcunet::deploy
