#include "compile_stage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/json_text.hpp"
#include "mcunet/core/scratch_folder.hpp"
#include "mcunet/engine/codegen/code_writer.hpp"
#include "mcunet/engine/tflite/reader.hpp"
#include "mcunet/engine/tflite/writer.hpp"
#include "postprocessing_code.hpp"
#include "preprocessing_code.hpp"
#include "under_name.hpp"

namespace mcunet::pipeline {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;
using engine::CompiledGraph;

Json tensors_to_json(const engine::Graph& graph, std::span<const engine::TensorId> tensors) {
  Json list = Json::array();
  for (engine::TensorId id : tensors) {
    const engine::Shape& shape = graph.tensors[id].shape;
    const engine::TensorInfo& info = graph.info_of(id);
    list.push_back({{"name", info.name},
                    {"type", engine::name_of(graph.tensors[id].type)},
                    {"height", shape.height},
                    {"width", shape.width},
                    {"channels", shape.channels},
                    {"scale", info.quantization.scale},
                    {"zero_point", info.quantization.zero_point}});
  }
  return list;
}

// model.json, which the emulator and scripts read.
std::string description_of(const CompiledGraph& compiled, const std::string& name,
                           const deploy::Device& device, const CompileResult& result,
                           const std::optional<datasets::Preprocessing>& preprocessing,
                           const std::optional<datasets::Postprocessing>& postprocessing) {
  Json json;
  json["name"] = name;
  if (const engine::ModelNames& names = compiled.options.names; !names.is_default()) {
    json["prefix"] = names.prefix();
  }
  json["device"] = device.name;
  json["borders"] = engine::name_of(compiled.options.borders);
  json["inputs"] = tensors_to_json(compiled.graph, compiled.graph.given_inputs());
  if (compiled.options.input_format) json["input_format"] = name_of(*compiled.options.input_format);
  json["outputs"] = tensors_to_json(compiled.graph, compiled.graph.told_outputs());
  if (result.state_bytes > 0) json["state_bytes"] = result.state_bytes;
  const std::vector<std::string>& classes = compiled.options.class_names;
  if (!classes.empty()) json["classes"] = classes;
  json["arena_bytes"] = result.arena_bytes;
  json["lower_bound_bytes"] = result.lower_bound_bytes;
  json["macs"] = result.macs;
  json["steps"] = Json::array();
  for (const engine::Step& step : compiled.schedule.steps) {
    json["steps"].push_back(engine::describe(compiled.graph, step));
  }
  if (preprocessing) {
    json["preprocessing"] = Json::parse(to_json_text(write_preprocessing(*preprocessing)));
  }
  if (postprocessing) {
    json["postprocessing"] = Json::parse(to_json_text(write_postprocessing(*postprocessing)));
  }
  return json_text(json, 2) + "\n";
}

void add_code(FeatureCode more, engine::GeneratedCode& code) {
  code.constant_bytes += more.constant_bytes;
  for (engine::GeneratedFile& file : more.files) code.files.push_back(std::move(file));
}

void check_replaceable(const fs::path& folder) {
  if (fs::is_directory(folder) && !fs::is_empty(folder) && !fs::exists(folder / "model.json")) {
    throw Error("{}: holds other files than a compiled model; choose another --out",
                folder.string());
  }
}

struct Request {
  const fs::path& model;
  const deploy::Device& device;
  const engine::CompileOptions& options;
  const std::optional<datasets::Preprocessing>& preprocessing;
  const std::optional<datasets::Postprocessing>& postprocessing;
  std::string name;
  deploy::ConsoleKind console;
};

// A layer with scratch for one column does all its products at the price of those that four columns leave
// over.
double saved_milliseconds(const engine::ScratchGain& gain, const deploy::Device& device) {
  const engine::LatencyModel model = device.latency_model();
  const engine::WorkAmounts& costs =
      model.costs[static_cast<std::size_t>(engine::LayerClass::kConvolution)];
  const auto cost = [&](engine::WorkKind kind) { return costs[static_cast<std::size_t>(kind)]; };
  const double macs = gain.saved_instructions / engine::kInstructionsSavedPerMac;
  return model.milliseconds(macs *
                            (cost(engine::WorkKind::kRestMac) - cost(engine::WorkKind::kMac)));
}

CompileResult write_and_link(const Request& request, const CompiledGraph& compiled,
                             const StagedFolder& staged) {
  CompileResult result;
  result.arena_bytes = compiled.arena.plan.arena_bytes;
  result.lower_bound_bytes = compiled.arena.plan.lower_bound_bytes;
  result.state_bytes = compiled.graph.state_bytes();
  result.scratch_growth = compiled.options.scratch_growth;
  result.scratch_gain = compiled.arena.gain;
  result.saved_ms = saved_milliseconds(compiled.arena.gain, request.device);
  result.macs = engine::cost_of(compiled.graph).macs;

  engine::GeneratedCode code = engine::generate_code(compiled);
  const engine::ModelNames& names = request.options.names;
  if (request.preprocessing) {
    add_code(generate_preprocessing(compiled.graph, *request.preprocessing, names,
                                    request.options.schedule.pulls_input),
             code);
  }
  if (request.postprocessing) {
    add_code(under_name(request.model,
                        [&] {
                          return generate_postprocessing(compiled.graph, *request.postprocessing,
                                                         names);
                        }),
             code);
  }
  result.constant_bytes = code.constant_bytes;
  for (const engine::GeneratedFile& file : code.files) staged.write(file.path, file.contents);
  staged.write(engine::model_file_name(compiled.graph), read_file(request.model));
  staged.write("model.json", description_of(compiled, request.name, request.device, result,
                                            request.preprocessing, request.postprocessing));
  deploy::write_firmware_project(staged.path(), request.device, request.console, names);
  result.firmware = deploy::link_firmware(staged.path(), request.device);
  return result;
}

}  // namespace

CompileResult compile_model(const fs::path& model, const deploy::Device& device,
                            const engine::CompileOptions& options, const fs::path& folder,
                            std::optional<deploy::ConsoleKind> console,
                            const std::optional<datasets::Preprocessing>& preprocessing,
                            const std::string& name,
                            const std::optional<datasets::Postprocessing>& postprocessing) {
  engine::CompileOptions all_options = options;
  if (postprocessing) all_options.class_names.clear();
  if (preprocessing) {
    all_options.staging_bytes = staging_of(*preprocessing);
    all_options.input_notes =
        input_notes(*preprocessing, options.names, options.schedule.pulls_input);
  }
  const engine::Graph graph = engine::read_tflite(model);
  // The arena's.
  std::int64_t& sram_budget = all_options.sram_budget_bytes.emplace(std::max<std::int64_t>(
      0, std::min(device.sram_budget_bytes(),
                  options.sram_budget_bytes.value_or(device.sram_budget_bytes())) -
             graph.state_bytes()));
  const auto compile = [&] {
    return under_name(model, [&] { return engine::compile_graph(graph, all_options); });
  };
  CompiledGraph compiled = compile();
  check_replaceable(folder);
  const Request request{.model = model,
                        .device = device,
                        .options = options,
                        .preprocessing = preprocessing,
                        .postprocessing = postprocessing,
                        .name = name.empty() ? model.stem().string() : name,
                        .console = console.value_or(deploy::default_console(device))};
  for (;;) {
    const StagedFolder staged(folder);
    const CompileResult result = write_and_link(request, compiled, staged);
    const std::int64_t excess = result.firmware.sram_excess_bytes();
    if (excess == 0 || result.scratch_gain.bytes == 0) {
      staged.commit();
      return result;
    }
    // The device reserves less than static data and the stack take.
    sram_budget = result.arena_bytes - excess;
    compiled = compile();
  }
}

std::string describe_folding(const fs::path& model, const engine::CompileOptions& options) {
  if (options.folds_dead_channels) return "";
  const engine::Graph graph = engine::read_tflite(model);
  const auto compile = [&](bool folds) {
    engine::CompileOptions least = options;
    least.folds_dead_channels = folds;
    least.scratch_growth = engine::ScratchGrowth::kNone;
    return engine::compile_graph(graph, least);
  };
  const CompiledGraph whole = compile(false);
  const CompiledGraph folded = compile(true);
  const std::int64_t constants =
      engine::generate_code(whole).constant_bytes - engine::generate_code(folded).constant_bytes;
  const std::int64_t arena = whole.arena.plan.arena_bytes - folded.arena.plan.arena_bytes;
  if (constants <= 0 && arena <= 0) return "";
  return fmt::format("without its dead channels it has {} bytes less of constants and {} of arena",
                     std::max<std::int64_t>(0, constants), std::max<std::int64_t>(0, arena));
}

std::vector<std::string> describe_memory(const CompileResult& result) {
  const engine::ScratchGain& gain = result.scratch_gain;
  const std::string layers = describe(gain);
  if (layers.empty()) return {};
  return {gain.bytes == 0 ? fmt::format("at no cost: {}", layers)
                          : fmt::format("{} bytes for speed: {}", gain.bytes, layers),
          fmt::format("about {:.2f} ms less (estimate)", result.saved_ms)};
}

std::string memory_to_json(const CompileResult& result) {
  const engine::ScratchGain& gain = result.scratch_gain;
  return Json{{"choice", engine::name_of(result.scratch_growth)},
              {"least_sram_bytes", result.least_sram_bytes()},
              {"grown_bytes", gain.bytes},
              {"four_columns", gain.four_columns},
              {"whole_planes", gain.whole_planes},
              {"saved_instructions", std::llround(gain.saved_instructions)},
              {"saved_ms", result.saved_ms}}
      .dump();
}

}  // namespace mcunet::pipeline
