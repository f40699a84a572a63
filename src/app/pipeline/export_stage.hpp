#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bit_widths.hpp"
#include "compile_stage.hpp"
#include "mcunet/core/config.hpp"
#include "mcunet/cycles/estimate.hpp"
#include "mcunet/datasets/dataset.hpp"
#include "mcunet/datasets/preprocessing.hpp"
#include "mcunet/deploy/device.hpp"
#include "mcunet/deploy/emulator.hpp"
#include "mcunet/supernet/fixed_network.hpp"
#include "quantization.hpp"
#include "quantization_aware_stage.hpp"

namespace mcunet::pipeline {

// What a network is exported with. The datasets are opened without augmentation.
struct ExportContext {
  deploy::Device device;
  std::optional<std::int64_t> sram_budget_bytes;  // of the job, if that is less than the device's
  engine::SchedulePolicy schedule = engine::SchedulePolicy::kInPlace;
  bool pulls_input = false;  // see ScheduleOptions
  QuantizationOptions quantization;
  ExportOptions options;
  std::uint64_t seed = 0;
  const Task& task = classification_task();
  const datasets::Dataset& training;
  const datasets::Dataset& held_out;
  const datasets::Dataset& test;
  // What made inputs of the files of these datasets; absent: it is not known.
  std::optional<datasets::Preprocessing> preprocessing;
  // Absent: the network is quantized as it is.
  std::optional<QuantizationAwareNetwork> quantization_aware;
};

// One test example on the emulated core.
struct EmulatedExample {
  std::string name;
  Answer answer;
  deploy::Int8Bytes outputs;  // of output 0
  std::int64_t instructions = 0;
  cycles::CycleRange cycles;              // estimated
  bool is_exact = false;                  // all outputs equal the host's, as do features and boxes
  std::int64_t feature_instructions = 0;  // of the feature extraction; 0: there is none
  std::int64_t detection_instructions = 0;  // of finding the boxes; 0: it is no detector
};

struct ExportResult {
  std::vector<std::string> classes;
  nlohmann::ordered_json unit;  // see Task
  Assessment float32;           // of the given network on the test set, batch normalization folded
  Assessment int8;              // of the same examples by the reference executor
  NetworkWidths widths;         // of what was quantized
  engine::RangeMethod range_method = engine::RangeMethod::kMinMax;
  std::vector<MethodScore> compared_methods;
  std::optional<MixedWidths> mixed;  // where weights have 8 bits among those of weight_bits
  std::optional<QuantizationGain> quantization_gain;  // of quantization-aware training, if any
  CompileResult compiled;
  std::string board;  // emulated; empty if nothing was emulated
  std::vector<EmulatedExample> emulated;
  std::int64_t stack_bytes = 0;  // high-water mark in the emulator

  // Points of the score that quantization costs.
  double gap() const { return 100 * (score_of(float32).value - score_of(int8).value); }
  // Static data and what the stack took, against which a plan is to be held.
  std::int64_t measured_sram_bytes() const;
  bool is_exact() const;
};

// Quantizes a trained network, or takes what quantization-aware training made of it, and writes
// folder/model.tflite, or model.mcunet, with its C sources and firmware for the device, and with its preprocessing;
// then tests it: its score in float and quantized, and examples on the
// emulated core, from their samples where they are sounds. The folder is complete or not there.
// Firmware that does not fit is a result. Throws Error.
ExportResult export_network(const supernet::FixedNetwork& network, const ExportContext& context,
                            const std::filesystem::path& folder);

// Where the linked firmware takes more than the job allows, one sentence per kind of memory: its flash, and
// static data and stack, for which the device reserves SRAM besides the budget. A search knows estimates.
std::vector<std::string> beyond_budget(const ExportResult& result, const engine::Budget& budget,
                                       const deploy::Device& device);

// Throws Error if the firmware gave other outputs than the host for any example.
void check_exact(const ExportResult& result);

// export.json.
std::string to_json(const ExportResult& result);

}  // namespace mcunet::pipeline
