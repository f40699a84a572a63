#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "assessment_text.hpp"
#include "commands.hpp"
#include "job_arguments.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "pipeline/bit_widths.hpp"
#include "pipeline/cycle_range_json.hpp"
#include "pipeline/job.hpp"
#include "pipeline/mixed_widths.hpp"
#include "text_table.hpp"
#include "training_commands.hpp"

namespace mcunet::cli {
namespace {

using Json = nlohmann::ordered_json;

// What the arena has beyond the least.
std::string for_speed(const Json& json) {
  const auto bytes = json.at("memory").at("grown_bytes").get<std::int64_t>();
  return bytes == 0 ? "" : fmt::format(" ({} of them for speed)", bytes);
}

void print(const Json& json) {
  const pipeline::NetworkWidths widths = pipeline::widths_from_json(json);
  if (json.contains("quantization_aware")) {
    const auto& aware = json.at("quantization_aware");
    fmt::print("{}", pipeline::describe(pipeline::gain_from_json(aware), widths));
  }
  const pipeline::Score in_float = pipeline::score_from_json(json.at("fp32"));
  const pipeline::Assessment int8 = pipeline::assessment_from_json(json.at("int8"));
  const pipeline::Score& score = pipeline::score_of(int8);
  fmt::print("{} {} of the test split: {} in float, {} in {} (ranges by {})\n", score.metric->title,
             pipeline::describe_examples(score), pipeline::describe_share(in_float),
             pipeline::describe_share(score), pipeline::describe(widths),
             json.at("range_method").get<std::string>());
  if (json.contains("mixed_widths")) {
    fmt::print("{}\n",
               pipeline::describe(pipeline::mixed_widths_from_json(json.at("mixed_widths"))));
  }
  print_class_scores(int8);
  fmt::print("SRAM: {} bytes planned{}, {} measured; flash: {} bytes\n",
             json.at("peak_sram_bytes").get<std::int64_t>(), for_speed(json),
             json.at("measured_sram_bytes").get<std::int64_t>(),
             json.at("flash_bytes").get<std::int64_t>());
  const auto& inferences = json.at("inferences");
  if (!inferences.empty()) {
    TextTable table(
        {"test input", "answer", "cycles (estimated)", "instructions", "as on the host"});
    for (const auto& inference : inferences) {
      table.add_row({inference.at("input"),
                     pipeline::describe_answer(inference, json.at("classes")),
                     describe(inference.at("cycles").get<mcunet::cycles::CycleRange>()),
                     std::to_string(inference.at("instructions").get<std::int64_t>()),
                     inference.at("exact").get<bool>() ? "yes, every bit" : "NO"});
    }
    fmt::print("On {}\n{}", json.at("board").get<std::string>(), table.to_string());
  }
}

int run_export(JobArguments arguments) {
  if (arguments.subnet) {
    // As it is in the supernet, unless training is asked for.
    arguments.overrides.insert(arguments.overrides.begin(),
                               {"finetune.epochs=0", "finetune.quantization_aware.epochs=0"});
  }
  Job job(arguments);
  const bool fits = pipeline::export_run(job.experiment, job.run, arguments.resume);
  const std::string text = read_file(job.run.folder() / "export.json");
  if (arguments.json) {
    fmt::print("{}", text);
  } else {
    print_export(text, arguments.folder());
  }
  return fits ? kDone : kDoesNotFit;
}

}  // namespace

void print_export(const std::string& export_json, const std::string& folder) {
  try {
    const Json json = Json::parse(export_json);
    print(json);
    const bool is_int8 = pipeline::widths_from_json(json).bits.activations == 8;
    fmt::print("C sources, firmware and {}: {}/{}; in float: {}/network.onnx\n",
               is_int8 ? "model.tflite" : "model.mcunet", folder, pipeline::kExportFolder, folder);
  } catch (const std::exception& error) {
    throw Error("{}/export.json: is damaged: {}", folder, error.what());
  }
}

void add_export_command(CLI::App& program, Run& run) {
  auto arguments = std::make_shared<JobArguments>();
  CLI::App* command = program.add_subcommand("export", description_of("export"));
  command->footer(
      "Folds batch norm, calibrates on training data, quantizes to int8 (with\n"
      "quantization.weight_bits=4 and quantization.activation_bits=4 to 4 bits; by\n"
      "quantization.policy=mixed the weights of those layers that cost least), and compiles the\n"
      "fine-tuned network in the folder for the device: export/ has C sources, firmware and\n"
      "model.tflite, or model.mcunet where activations have 4 bits, which .tflite has not. Tells the\n"
      "accuracy in float and quantized over the test split, and runs test examples on the\n"
      "emulated core. After quantization-aware fine-tuning\n"
      "(finetune.quantization_aware.epochs) it exports what that trained, unless post-training\n"
      "quantization has the higher accuracy on the search split.\n\n"
      "  mcunet export flowers --set dataset.path=/data/flowers --out runs/flowers\n\n"
      "Any sub-network of the supernet in a folder, as it is there, without training:\n\n"
      "  mcunet export runs/flowers --subnet rank:3\n"
      "  mcunet export runs/flowers --subnet smallest --device stm32f412");
  add_job_options(*command, *arguments);
  add_subnet_option(*command, *arguments);
  command->callback([arguments, &run] { run = [arguments] { return run_export(*arguments); }; });
}

}  // namespace mcunet::cli
