#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "mcunet/core/scratch_folder.hpp"
#include "mcunet/core/standard_streams.hpp"
#include "mcunet/deploy/device.hpp"
#include "mcunet/deploy/emulator.hpp"
#include "mcunet/engine/tflite/reader.hpp"
#include "pipeline/compile_stage.hpp"
#include "program.hpp"
#include "text_table.hpp"

namespace mcunet::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using engine::CompileOptions;

struct AblateArguments {
  std::string model;
  std::string device;
  bool json = false;
};

struct Rung {
  std::string name;
  CompileOptions options;
};

// Each rung adds one technique to those before it (paper, Figures 5 and 6).
std::vector<Rung> make_rungs() {
  CompileOptions options{.schedule = {.in_place_depthwise = false},
                         .fuses_padding = false,
                         .specializes_kernels = false,
                         .links_all_kernels = true,
                         .scratch_growth = engine::ScratchGrowth::kNone};
  std::vector<Rung> rungs = {{"all kernels linked, nothing specialised", options}};
  options.links_all_kernels = false;
  rungs.push_back({"+ only the kernels in use", options});
  options.fuses_padding = true;
  rungs.push_back({"+ padding fused", options});
  options.specializes_kernels = true;
  rungs.push_back({"+ specialised kernels", options});
  options.scratch_growth = engine::ScratchGrowth::kWithinArena;
  rungs.push_back({"+ adaptive im2col", options});
  options.schedule.in_place_depthwise = true;
  rungs.push_back({"+ in-place depthwise", options});
  options.scratch_growth = engine::ScratchGrowth::kWithinBudget;
  rungs.push_back({"+ scratch in memory to spare", options});
  return rungs;
}

struct Measurement {
  std::string name;
  std::int64_t arena_bytes = 0;
  std::int64_t code_bytes = 0;
  std::int64_t instructions = 0;
};

// Compiles into a folder that is gone afterwards, and runs one inference on a ramp of values.
Measurement measure(const Rung& rung, const AblateArguments& arguments,
                    const deploy::Device& device, const fs::path& folder) {
  const pipeline::CompileResult compiled = pipeline::compile_model(
      arguments.model, device, rung.options, folder, deploy::ConsoleKind::kNone);
  const deploy::ModelDescription model = deploy::read_model_description(folder);
  deploy::Int8Bytes input(static_cast<std::size_t>(model.input_bytes()));
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<std::int8_t>(i * 37);
  const deploy::EmulationResult run = deploy::emulate(folder, std::span(&input, 1));
  return {rung.name, compiled.arena_bytes, compiled.code_bytes(), run.inferences[0].instructions};
}

int run_ablate(const AblateArguments& arguments) {
  const deploy::Device device = deploy::load_device(arguments.device);
  deploy::require_emulator();
  engine::read_tflite(arguments.model);  // one that is damaged is told before anything is measured
  const ScratchFolder scratch;
  std::vector<Measurement> results;
  for (const Rung& rung : make_rungs()) {
    say("measuring: {}\n", rung.name);
    results.push_back(measure(rung, arguments, device, scratch.path() / "model"));
  }

  Json json = Json::array();
  TextTable table({"rung", "arena bytes", "instructions", "code bytes"});
  for (const Measurement& m : results) {
    json.push_back({{"name", m.name},
                    {"arena_bytes", m.arena_bytes},
                    {"instructions", m.instructions},
                    {"code_bytes", m.code_bytes}});
    table.add_row({m.name, std::to_string(m.arena_bytes), std::to_string(m.instructions),
                   std::to_string(m.code_bytes)});
  }
  if (arguments.json) {
    print_json({{"rungs", json}});
  } else {
    fmt::print("{}", table.to_string());
  }
  return kDone;
}

}  // namespace

void add_ablate_command(CLI::App& program, Run& run) {
  auto arguments = std::make_shared<AblateArguments>();
  CLI::App* command = program.add_subcommand(
      "ablate", "Measure what each technique of the compiler gains for a model");
  command->footer(
      "Compiles the model once per rung, runs each on the emulated core of the device, and prints\n"
      "memory, instructions and code size (without weights).\n\n"
      "  mcunet ablate model.tflite --device stm32f746");
  command->add_option("MODEL", arguments->model, "int8 .tflite file")->required();
  command->add_option("--device", arguments->device, "Name in configs/devices/ or a file")
      ->required();
  command->add_flag("--json", arguments->json, "Print one JSON object and nothing else");
  command->callback([arguments, &run] { run = [arguments] { return run_ablate(*arguments); }; });
}

}  // namespace mcunet::cli
