#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "job_arguments.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "pipeline/cycle_range_json.hpp"
#include "pipeline/job.hpp"
#include "text_table.hpp"
#include "training_commands.hpp"

namespace mcunet::cli {
namespace {

// What the arena has beyond the least.
std::string for_speed(const nlohmann::json& json) {
  const auto bytes = json.at("memory").at("grown_bytes").get<std::int64_t>();
  return bytes == 0 ? "" : fmt::format(" ({} of them for speed)", bytes);
}

void print(const nlohmann::json& json) {
  const auto percent = [&](const char* key) { return 100 * json.at(key).at("top1").get<double>(); };
  if (json.contains("quantization_aware")) {
    const auto& aware = json.at("quantization_aware");
    const auto& top1 = aware.at("held_out_top1");
    fmt::print("{}", pipeline::describe({top1.at("post_training"), top1.at("quantization_aware")}));
  }
  fmt::print("top-1 on {} test examples: {:.2f} % in float, {:.2f} % in int8 (ranges by {})\n",
             json.at("int8").at("examples").get<std::int64_t>(), percent("fp32"), percent("int8"),
             json.at("range_method").get<std::string>());
  fmt::print("SRAM: {} bytes planned{}, {} measured; flash: {} bytes\n",
             json.at("peak_sram_bytes").get<std::int64_t>(), for_speed(json),
             json.at("measured_sram_bytes").get<std::int64_t>(),
             json.at("flash_bytes").get<std::int64_t>());
  const auto& inferences = json.at("inferences");
  if (!inferences.empty()) {
    TextTable table({"test input", "label", "predicted", "cycles (estimated)", "instructions",
                     "as on the host"});
    for (const auto& inference : inferences) {
      table.add_row({inference.at("input"), std::to_string(inference.at("label").get<int>()),
                     std::to_string(inference.at("predicted").get<int>()),
                     describe(inference.at("cycles").get<mcunet::cycles::CycleRange>()),
                     std::to_string(inference.at("instructions").get<std::int64_t>()),
                     inference.at("exact").get<bool>() ? "yes, every bit" : "NO"});
    }
    fmt::print("On {}\n{}", json.at("board").get<std::string>(), table.to_string());
  }
}

int run_export(const JobArguments& arguments) {
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
    print(nlohmann::json::parse(export_json));
  } catch (const nlohmann::json::exception& error) {
    throw Error("{}/export.json: is damaged: {}", folder, error.what());
  }
  fmt::print("C sources, firmware and model.tflite: {}/{}; in float: {}/network.onnx\n", folder,
             pipeline::kExportFolder, folder);
}

void add_export_command(CLI::App& program, Run& run) {
  auto arguments = std::make_shared<JobArguments>();
  CLI::App* command = program.add_subcommand("export", description_of("export"));
  command->footer(
      "Folds batch norm, calibrates on training data, quantizes to int8, and compiles the\n"
      "fine-tuned network in the folder for the device: export/ has C sources, firmware and\n"
      "model.tflite. Tells the accuracy in float and int8 over the test split, and runs test\n"
      "examples on the emulated core. After quantization-aware fine-tuning\n"
      "(finetune.quantization_aware.epochs) it exports what that trained, unless post-training\n"
      "quantization has the higher accuracy on the search split.\n\n"
      "  mcunet export flowers --set dataset.path=/data/flowers --out runs/flowers");
  add_job_options(*command, *arguments);
  command->callback([arguments, &run] { run = [arguments] { return run_export(*arguments); }; });
}

}  // namespace mcunet::cli
