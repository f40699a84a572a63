#include "export_stage.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "bit_widths.hpp"
#include "cycle_range_json.hpp"
#include "feature_code.hpp"
#include "float_graph.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/json_text.hpp"
#include "mcunet/core/scratch_folder.hpp"
#include "mcunet/deploy/reference_model.hpp"
#include "mcunet/engine/tflite/writer.hpp"
#include "trained_supernet.hpp"

namespace mcunet::pipeline {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;

// The first readable examples of the test set, spread over its length.
struct Inputs {
  std::vector<std::int64_t> indices;
  std::vector<deploy::Int8Bytes> bytes;
  std::vector<deploy::Int8Bytes> clips;  // samples, of examples that are sounds
};

Inputs choose_inputs(const engine::Graph& graph, const ExportContext& context) {
  Inputs inputs;
  const datasets::Dataset& test = context.test;
  const int count = context.options.emulated_examples;
  std::vector<float> values(static_cast<std::size_t>(test.input_shape().elements()));
  const auto* sound = context.preprocessing
                          ? std::get_if<datasets::LogMelParameters>(&*context.preprocessing)
                          : nullptr;
  const std::int64_t stride = std::max<std::int64_t>(1, test.size() / std::max(count, 1));
  for (std::int64_t i = 0; i < test.size() && static_cast<int>(inputs.bytes.size()) < count;
       i += stride) {
    RandomStream random(0);
    if (!test.load(i, random, values)) continue;
    inputs.indices.push_back(i);
    inputs.bytes.push_back(quantize_example(graph, values));
    if (sound == nullptr) continue;
    const auto samples = test.sound(i);
    if (!samples) throw Error("{}: has no samples to compute features of", test.name(i));
    inputs.clips.push_back(make_sound_clip(*samples, *sound).samples);
  }
  return inputs;
}

// What outputs are told by where there is one for each class.
std::vector<std::string> class_names_of(const ExportResult& result,
                                        const datasets::Dataset& dataset) {
  const bool is_classifier = std::holds_alternative<Classification>(result.int8);
  return is_classifier ? dataset.classes() : std::vector<std::string>{};
}

std::optional<datasets::Postprocessing> postprocessing_of(const engine::Graph& graph,
                                                          const Task& task) {
  const engine::Shape& shape = graph.tensors[graph.outputs[0]].shape;
  return task.postprocessing(shape.height, shape.width);
}

// By which the host finds what the firmware of a detector should; nothing if it is none.
std::optional<datasets::DetectionTables> detector_of(const engine::Graph& graph,
                                                     const ExportContext& context) {
  const auto postprocessing = postprocessing_of(graph, context.task);
  if (!postprocessing) return std::nullopt;
  const auto& detector = std::get<datasets::Detector>(*postprocessing);
  const engine::Quantization& quantization = graph.info_of(graph.outputs[0]).quantization;
  return datasets::make_detection_tables(detector.head, detector.limits, quantization.scale,
                                         quantization.zero_point);
}

void emulate_examples(const fs::path& folder, const engine::Graph& graph,
                      const ExportContext& context, ExportResult& result) {
  const Inputs inputs = choose_inputs(graph, context);
  if (inputs.bytes.empty()) return;
  const bool is_sound = !inputs.clips.empty();
  const deploy::EmulationResult run =
      deploy::emulate(folder, is_sound ? inputs.clips : inputs.bytes,
                      {.estimates_cycles = true, .takes_samples = is_sound});
  deploy::ReferenceModel reference(folder / engine::model_file_name(graph));
  const engine::Shape& shape = graph.tensors[graph.outputs[0]].shape;
  const engine::Quantization& quantization = graph.info_of(graph.outputs[0]).quantization;
  result.board = run.board;
  result.stack_bytes = run.stack_bytes;
  const auto detector = detector_of(graph, context);
  for (std::size_t i = 0; i < inputs.bytes.size(); ++i) {
    const deploy::Inference& inference = run.inferences[i];
    const deploy::Int8Bytes& outputs = inference.outputs[0];
    EmulatedExample example{.name = context.test.name(inputs.indices[i]),
                            .answer = context.task.answer(
                                inputs.indices[i], context.test,
                                Int8Outputs{outputs, shape.height, shape.width, quantization}),
                            .outputs = outputs,
                            .instructions = inference.instructions,
                            .cycles = inference.cycles,
                            .is_exact = inference.outputs == reference.run(inputs.bytes[i]),
                            .feature_instructions = inference.feature_instructions,
                            .detection_instructions = inference.detection_instructions};
    if (is_sound) example.is_exact &= inference.features == inputs.bytes[i];
    if (detector) {
      const datasets::Detections found = datasets::read_detections(inference.detections);
      example.is_exact &= found == datasets::decode_int8(*detector, outputs);
      if (example.is_exact) example.answer = FoundObjects{inputs.indices[i], found};
    }
    result.emulated.push_back(std::move(example));
  }
}

}  // namespace

std::int64_t ExportResult::measured_sram_bytes() const {
  return compiled.firmware.data_bytes + compiled.firmware.bss_bytes + stack_bytes;
}

bool ExportResult::is_exact() const {
  return std::all_of(emulated.begin(), emulated.end(),
                     [](const EmulatedExample& example) { return example.is_exact; });
}

ExportResult export_network(const supernet::FixedNetwork& network, const ExportContext& context,
                            const fs::path& folder) {
  const FloatGraph lowered = lower(network);
  const auto& aware = context.quantization_aware;
  const QuantizedNetwork quantized =
      aware ? aware->quantized
            : quantize(context.task, lowered, context.training, context.held_out,
                       context.quantization, context.seed);
  ExportResult result{.classes = context.test.classes(),
                      .unit = context.task.unit(),
                      .widths = widths_of(quantized.graph, context.quantization.widths)};
  if (aware) result.quantization_gain = aware->gain;
  result.range_method = quantized.method;
  result.compared_methods = quantized.compared;
  result.mixed = quantized.mixed;
  const auto limit = context.options.test_examples;
  result.float32 = evaluate_float(context.task, lowered, context.test, context.seed, limit);
  result.int8 = evaluate_int8(context.task, quantized.graph, context.test, context.seed, limit);
  warn_of_defect(result.int8, "The network in " + describe(result.widths));

  const ScratchFolder scratch(folder.parent_path());
  const fs::path model = scratch.path() / engine::model_file_name(quantized.graph);
  engine::write_model(quantized.graph, model);
  engine::ScheduleOptions schedule = engine::options_of(context.schedule);
  schedule.pulls_input = context.pulls_input;
  const engine::CompileOptions options{.schedule = schedule,
                                       .scratch_growth = context.options.memory,
                                       .sram_budget_bytes = context.sram_budget_bytes,
                                       .names = context.options.names,
                                       .class_names = class_names_of(result, context.test)};
  result.compiled = compile_model(model, context.device, options, folder, context.options.console,
                                  context.preprocessing, network->description().name,
                                  postprocessing_of(quantized.graph, context.task));
  if (!result.compiled.firmware.fits()) return result;
  if (context.options.emulated_examples > 0) {
    emulate_examples(folder, quantized.graph, context, result);
  }
  return result;
}

std::vector<std::string> beyond_budget(const ExportResult& result, const engine::Budget& budget,
                                       const deploy::Device& device) {
  std::vector<std::string> sentences;
  const auto compare = [&](const char* memory, std::int64_t used,
                           const std::optional<std::int64_t>& limit, std::int64_t reserve,
                           const char* key) {
    if (!limit || used <= *limit + reserve) return;
    sentences.push_back(
        fmt::format("Once linked, the firmware takes {} bytes of {}, {} more than {} allows ({})",
                    used, memory, used - *limit - reserve, key, *limit));
  };
  compare("flash", result.compiled.firmware.flash_bytes(), budget.flash_bytes, 0,
          "budget.flash_kib");
  compare("SRAM, its stack included", result.measured_sram_bytes(), budget.sram_bytes,
          device.reserved_sram_kib * 1024, "budget.sram_kib with the device's reserve");
  return sentences;
}

void check_exact(const ExportResult& result) {
  const auto inexact =
      std::find_if_not(result.emulated.begin(), result.emulated.end(),
                       [](const EmulatedExample& example) { return example.is_exact; });
  if (inexact == result.emulated.end()) return;
  throw Error("export: the firmware's outputs differ from the host's, first for {} on {}",
              inexact->name, result.board);
}

std::string to_json(const ExportResult& result) {
  Json methods = Json::array();
  for (const MethodScore& method : result.compared_methods) {
    methods.push_back(to_json(method));
  }
  Json emulated = Json::array();
  for (const EmulatedExample& example : result.emulated) {
    Json& entry = emulated.emplace_back(Json{{"input", example.name}});
    entry.update(to_json(example.answer, result.classes));
    entry.update({{"outputs", example.outputs},
                  {"cycles", example.cycles},
                  {"instructions", example.instructions},
                  {"exact", example.is_exact}});
    if (example.feature_instructions > 0) {
      emulated.back()["feature_instructions"] = example.feature_instructions;
    }
    if (example.detection_instructions > 0) {
      emulated.back()["detection_instructions"] = example.detection_instructions;
    }
  }
  const deploy::FirmwareReport& firmware = result.compiled.firmware;
  Json json = {{"classes", result.classes},
               {"unit", result.unit},
               {"fp32", to_json(result.float32)},
               {"int8", to_json(result.int8)},
               {"gap_points", result.gap()},
               {"range_method", engine::name_of(result.range_method)},
               {"compared_methods", methods},
               {"macs", result.compiled.macs},
               {"peak_sram_bytes", result.compiled.peak_sram_bytes()},
               {"memory", Json::parse(memory_to_json(result.compiled))},
               {"measured_sram_bytes", result.measured_sram_bytes()},
               {"flash_bytes", firmware.flash_bytes()},
               {"elf",
                {{"text", firmware.text_bytes},
                 {"data", firmware.data_bytes},
                 {"bss", firmware.bss_bytes},
                 {"stack", result.stack_bytes}}},
               {"fits", firmware.fits()},
               {"board", result.board},
               {"exact", result.is_exact()},
               {"inferences", emulated}};
  json.update(to_json(result.widths));
  if (result.quantization_gain) {
    json["quantization_aware"] = to_json(*result.quantization_gain);
  }
  if (result.mixed) json["mixed_widths"] = to_json(*result.mixed);
  return json_text(json, 2) + "\n";
}

}  // namespace mcunet::pipeline
