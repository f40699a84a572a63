#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "commands.hpp"
#include "emulate_boxes.hpp"
#include "emulate_inputs.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/standard_streams.hpp"
#include "mcunet/deploy/emulator.hpp"
#include "mcunet/deploy/firmware.hpp"
#include "mcunet/deploy/npy.hpp"
#include "mcunet/deploy/reference_model.hpp"
#include "number_range.hpp"
#include "output_text.hpp"
#include "pipeline/cycle_range_json.hpp"
#include "pipeline/preprocessing_code.hpp"
#include "preprocessing_text.hpp"
#include "program.hpp"
#include "text_table.hpp"

namespace mcunet::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using deploy::EmulationResult;
using deploy::Int8Bytes;
using deploy::ModelDescription;

struct EmulateArguments {
  InputOptions input;
  std::string out;
  std::string boxes;  // folder of pictures; empty: not given
  deploy::EmulatorOptions options;
  bool json = false;

  bool shows_cycles() const { return options.estimates_cycles; }
  bool writes_pictures() const { return !json || !boxes.empty(); }
};

// Whether each inference gave what the reference executor gives for the host's features; nothing if
// there is no model.
std::vector<std::optional<bool>> compare(const fs::path& folder, const ModelDescription& model,
                                         const NamedInputs& inputs, const EmulationResult& result) {
  std::vector<std::optional<bool>> exact(inputs.inputs.size());
  const std::optional<fs::path> file = deploy::find_model_file(folder);
  if (!file) return exact;
  deploy::ReferenceModel reference(*file, model.borders);
  for (std::size_t i = 0; i < exact.size(); ++i) {
    exact[i] = reference.run(inputs.inputs[i]) == result.inferences[i].outputs;
  }
  return exact;
}

// Whether the firmware made of a clip what the host makes of it.
bool has_exact_features(const NamedInputs& inputs, const EmulationResult& result, std::size_t i) {
  return result.inferences[i].features == inputs.inputs[i];
}

Json to_json(const cycles::LoopCost& loop) {
  return {{"function", loop.function},
          {"first", fmt::format("{:#x}", loop.first)},
          {"last", fmt::format("{:#x}", loop.last)},
          {"turns", loop.turns},
          {"instructions", loop.instructions},
          {"cycles", loop.cycles},
          {"code", loop.code}};
}

void add_detections(const ModelDescription& model, const deploy::Inference& result,
                    const FoundObjects& found, bool shows_cycles, Json& inference) {
  inference["detections"] = cli::to_json(found, model.classes);
  inference["detections_exact"] = found.is_exact;
  inference["detection_instructions"] = result.detection_instructions;
  if (shows_cycles) inference["detection_cycles"] = result.detection_cycles;
  if (!found.picture_file.empty()) inference["picture"] = found.picture_file.string();
}

Json to_json(const ModelDescription& model, const NamedInputs& inputs,
             const EmulationResult& result, const std::vector<std::optional<bool>>& exact,
             const std::vector<FoundObjects>& found, bool shows_cycles) {
  Json json = {{"board", result.board}, {"inferences", Json::array()}};
  if (inputs.preprocessing) json["preprocessing"] = cli::to_json(*inputs.preprocessing);
  for (std::size_t i = 0; i < inputs.names.size(); ++i) {
    json["inferences"].push_back({{"input", inputs.names[i]},
                                  {"outputs", outputs_to_json(model, result.inferences[i].outputs)},
                                  {"instructions", result.inferences[i].instructions},
                                  {"exact", exact[i] ? Json(*exact[i]) : Json(nullptr)}});
    Json& inference = json["inferences"].back();
    if (model.is_detector) {
      add_detections(model, result.inferences[i], found[i], shows_cycles, inference);
    } else if (!model.classes.empty()) {
      inference["class"] =
          model.classes[index_of_largest(result.inferences[i].outputs[0], model.outputs[0])];
    }
    if (shows_cycles) inference["cycles"] = result.inferences[i].cycles;
    if (inputs.clips.empty()) continue;
    if (shows_cycles) inference["feature_cycles"] = result.inferences[i].feature_cycles;
    inference["feature_instructions"] = result.inferences[i].feature_instructions;
    inference["features_exact"] = has_exact_features(inputs, result, i);
  }
  json["stack_bytes"] = result.stack_bytes;
  json["steps"] = Json::array();
  for (const deploy::StepCost& step : result.steps) {
    json["steps"].push_back({{"name", step.name}, {"instructions", step.instructions}});
    if (shows_cycles) json["steps"].back()["cycles"] = step.cycles;
  }
  if (shows_cycles) {
    json["loops"] = Json::array();
    for (const cycles::LoopCost& loop : result.loops) json["loops"].push_back(to_json(loop));
  }
  return json;
}

double per_cycle(std::int64_t instructions, const cycles::CycleRange& range) {
  return static_cast<double>(instructions) / std::max(range.middle(), 1.0);
}

// The steps of the first inference; shares are of cycles where they were asked for.
void print_steps(const EmulationResult& result, bool shows_cycles) {
  std::vector<std::string> columns = {"step", "name", "instructions", "%"};
  if (shows_cycles) columns = {"step", "name", "instructions", "cycles (estimated)", "IPC", "%"};
  const auto cost_of = [&](const deploy::StepCost& step) {
    return shows_cycles ? step.cycles.middle() : static_cast<double>(step.instructions);
  };
  double total = 0;
  for (const deploy::StepCost& step : result.steps) total += cost_of(step);
  TextTable table(columns);
  for (std::size_t i = 0; i < result.steps.size(); ++i) {
    const deploy::StepCost& step = result.steps[i];
    std::vector<std::string> row = {std::to_string(i), step.name,
                                    std::to_string(step.instructions)};
    if (shows_cycles) {
      row.push_back(cycles::describe(step.cycles));
      row.push_back(fmt::format("{:.2f}", per_cycle(step.instructions, step.cycles)));
    }
    row.push_back(fmt::format("{:.1f}", 100 * cost_of(step) / std::max(total, 1.0)));
    table.add_row(row);
  }
  fmt::print("{}\n", table.to_string());
}

void print_loops(const EmulationResult& result) {
  constexpr std::size_t kShown = 8;
  double total = 0;
  for (const deploy::Inference& inference : result.inferences)
    total += inference.cycles.middle() + inference.feature_cycles.middle();
  TextTable table({"costliest loops", "from", "to", "turns", "cycles (estimated)", "IPC", "%"});
  for (std::size_t i = 0; i < std::min(kShown, result.loops.size()); ++i) {
    const cycles::LoopCost& loop = result.loops[i];
    table.add_row({loop.function, fmt::format("{:#x}", loop.first), fmt::format("{:#x}", loop.last),
                   std::to_string(loop.turns), cycles::describe(loop.cycles),
                   fmt::format("{:.2f}", per_cycle(loop.instructions, loop.cycles)),
                   fmt::format("{:.1f}", 100 * loop.cycles.middle() / std::max(total, 1.0))});
  }
  fmt::print("{}\n", table.to_string());
}

void print_result(const ModelDescription& model, const NamedInputs& inputs,
                  const EmulationResult& result, const std::vector<std::optional<bool>>& exact,
                  const std::vector<FoundObjects>& found, const deploy::Device& device,
                  bool shows_cycles) {
  print_steps(result, shows_cycles);
  if (shows_cycles) print_loops(result);

  std::vector<std::string> columns = {"input", "instructions"};
  if (shows_cycles) columns.emplace_back("cycles (estimated)");
  columns.insert(columns.end(), {model.is_detector ? "objects" : "largest outputs", "exact"});
  if (model.is_detector) columns.emplace_back("boxes exact");
  if (!inputs.clips.empty()) columns.emplace_back("features exact");
  TextTable table(columns);
  for (std::size_t i = 0; i < inputs.names.size(); ++i) {
    const deploy::Inference& inference = result.inferences[i];
    std::vector<std::string> row = {inputs.names[i], std::to_string(inference.instructions)};
    if (shows_cycles) row.push_back(cycles::describe(inference.cycles));
    row.push_back(model.is_detector
                      ? std::to_string(found[i].detections.size())
                      : describe_top(inference.outputs[0], model.outputs[0], model.classes));
    row.emplace_back(exact[i] ? (*exact[i] ? "yes" : "NO") : "-");
    if (model.is_detector) row.emplace_back(found[i].is_exact ? "yes" : "NO");
    if (!inputs.clips.empty()) {
      row.emplace_back(has_exact_features(inputs, result, i) ? "yes" : "NO");
    }
    table.add_row(row);
  }
  fmt::print("{}\n", table.to_string());
  print_objects(found, inputs, model.classes);
  if (inputs.preprocessing) print_preprocessing(*inputs.preprocessing);
  fmt::print("stack        {:>12} bytes at most\nboard        {}{}\n", result.stack_bytes,
             result.board, shows_cycles ? "" : " (instructions, not cycles: see --cycles)");
  if (shows_cycles) {
    fmt::print(
        "cycles       estimated for a {} from the blocks that ran: a low and a high figure\n",
        device.core);
  }
  if (result.stack_bytes > device.stack_bytes()) {
    fmt::print("The device's linker script promises only {} bytes of stack.\n",
               device.stack_bytes());
  }
}

// The first output of every inference, one row each.
void write_outputs(const fs::path& file, const deploy::ModelTensor& output,
                   const EmulationResult& result) {
  deploy::TensorValues array{
      .type = output.type,
      .shape = {static_cast<std::int64_t>(result.inferences.size()), output.elements()},
      .bytes = {}};
  for (const deploy::Inference& inference : result.inferences) {
    array.bytes.insert(array.bytes.end(), inference.outputs[0].begin(), inference.outputs[0].end());
  }
  deploy::write_npy(file, array);
}

int report_differences(const NamedInputs& inputs, const EmulationResult& result,
                       const std::vector<std::optional<bool>>& exact,
                       const std::vector<FoundObjects>& found) {
  std::size_t wrong_features = 0;
  for (std::size_t i = 0; i < inputs.clips.size(); ++i) {
    if (!has_exact_features(inputs, result, i)) ++wrong_features;
  }
  const auto wrong = std::count(exact.begin(), exact.end(), std::optional<bool>(false));
  if (wrong_features != 0) {
    say("mcunet: {} of {} features differ from the host's\n", wrong_features, inputs.clips.size());
  }
  if (wrong != 0) {
    say("mcunet: {} of {} outputs differ from the reference executor's\n", wrong, exact.size());
  }
  const auto wrong_boxes = std::count_if(found.begin(), found.end(),
                                         [](const FoundObjects& one) { return !one.is_exact; });
  if (wrong_boxes != 0) {
    say("mcunet: the boxes of {} of {} inputs differ from the host's\n", wrong_boxes, found.size());
  }
  return wrong == 0 && wrong_features == 0 && wrong_boxes == 0 ? kDone : kFailed;
}

void write_pictures(const std::vector<fs::path>& files, std::vector<FoundObjects>& found) {
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (files[i].empty()) continue;
    write_file_atomically(files[i], found[i].picture);
    found[i].picture_file = files[i];
  }
}

int run_emulate(const EmulateArguments& arguments, const pipeline::MediaReader& read_media) {
  const ModelDescription model = deploy::read_model_description(arguments.input.folder);
  if (!arguments.out.empty()) require_replaceable_file(arguments.out);
  const NamedInputs inputs = read_inputs(arguments.input, model, read_media);
  const auto detector = read_detector(arguments.input.folder, model);
  std::vector<fs::path> pictures;
  if (detector && arguments.writes_pictures()) {
    pictures = picture_files(arguments.boxes, inputs);
    if (!arguments.boxes.empty()) make_folder(arguments.boxes);
  }
  deploy::EmulatorOptions options = arguments.options;
  options.takes_samples = !inputs.clips.empty();
  const EmulationResult result = deploy::emulate(arguments.input.folder,
                                                 options.takes_samples    ? inputs.clips
                                                 : !inputs.frames.empty() ? inputs.frames
                                                                          : inputs.inputs,
                                                 options);
  const std::vector<std::optional<bool>> exact =
      compare(arguments.input.folder, model, inputs, result);
  std::vector<FoundObjects> found;
  if (detector) found = find_objects(*detector, model, inputs, result, read_media);
  if (!arguments.out.empty()) write_outputs(arguments.out, model.outputs[0], result);
  write_pictures(pictures, found);
  if (arguments.json) {
    print_json(to_json(model, inputs, result, exact, found, arguments.shows_cycles()));
  } else {
    print_result(model, inputs, result, exact, found,
                 deploy::read_project_device(arguments.input.folder), arguments.shows_cycles());
  }
  return report_differences(inputs, result, exact, found);
}

}  // namespace

void add_emulate_command(CLI::App& program, Run& run, pipeline::MediaReader read_media) {
  auto arguments = std::make_shared<EmulateArguments>();
  CLI::App* command = program.add_subcommand("emulate", "Run firmware on an emulated board");
  command->footer(
      "DIR is what `mcunet compile` wrote. Instructions are counted; with --cycles, a model of\n"
      "the core's pipeline estimates what they take. If DIR holds its model, outputs are\n"
      "compared with the reference executor's.\n\n"
      "What a job exported says in model.json how images, sounds or recordings of sensors (.csv,\n"
      ".tsv, .npy; window after window) become its input, and they do as in its evaluation; of a\n"
      "sound the firmware computes the features, too, and both are compared with the host's. Of any other model an image is stretched to the input, with\n"
      "--input-range; and a sound must be the samples that it takes in, at --sample-rate.\n\n"
      "Of a detector the firmware finds the boxes; they are compared with the host's, too, and drawn\n"
      "over images.\n\n"
      "  mcunet emulate out/ --input image.bin recordings.npy --json\n"
      "  mcunet emulate out/ --input photo.jpg --input-range 0,1\n"
      "  mcunet emulate runs/digits/export --input seven.wav\n"
      "  mcunet emulate runs/motion/export --input walk.csv\n"
      "  mcunet emulate out/ --input left.npy,right.npy    (a model of two inputs)");
  command->add_option("DIR", arguments->input.folder, "Folder of a firmware project")->required();
  command
      ->add_option(
          "--input", arguments->input.inputs,
          "Raw values (.bin) or arrays of the model's type (.npy), any number of inputs in\n"
          "each; images; sounds; recordings. For a model of two inputs: FILE,FILE")
      ->required();
  command
      ->add_option("--input-range", arguments->input.input_range,
                   "What black and white of an image are to the model: 0,1, -1,1 or 0,255 [-1,1]")
      ->check(CLI::IsMember({"0,1", "-1,1", "0,255"}));
  command
      ->add_option("--sample-rate", arguments->input.sample_rate,
                   "Hz to which a sound is resampled [as it is]")
      ->check(CLI::Range(1000, 384000));
  command->add_option("--out", arguments->out, "File for the first output of all inputs (.npy)");
  command->add_option("--boxes", arguments->boxes,
                      "Folder for images with the boxes that a detector found, NAME.boxes.png\n"
                      "[the current one; with --json none]");
  command->add_option("--board", arguments->options.board,
                      "mps2-an385, mps2-an386, mps2-an500 or netduinoplus2 [by the device's core]");
  command
      ->add_option("--timeout", arguments->options.timeout_seconds,
                   "Seconds for all inputs together [600]")
      ->check(number_between(0.001, 1e6));
  command->add_flag("--cycles", arguments->options.estimates_cycles,
                    "Estimate cycles of each step, and which loops cost most");
  command->add_flag("--json", arguments->json, "Print one JSON object and nothing else");
  command->callback([arguments, read_media = std::move(read_media), &run] {
    run = [arguments, read_media] { return run_emulate(*arguments, read_media); };
  });
}

}  // namespace mcunet::cli
