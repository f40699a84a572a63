#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "assessment_text.hpp"
#include "commands.hpp"
#include "pipeline/train_stage.hpp"
#include "preprocessing_text.hpp"
#include "program.hpp"
#include "training_commands.hpp"

namespace mcunet::cli {
namespace {

using Json = nlohmann::ordered_json;
using pipeline::EvalResult;

struct EvalArguments {
  pipeline::EvalRequest request;
  bool json = false;
};

Json to_json(const EvalResult& result, bool on_test_split) {
  const engine::Resources& r = result.resources;
  Json json = {{"split", on_test_split ? "test" : "search"}, {"loss", result.loss}};
  json.update(pipeline::to_json(result.assessment));
  json.update({{"macs", r.macs},
               {"params", r.params},
               {"peak_sram_bytes", r.peak_sram_bytes},
               {"flash_bytes", r.flash_bytes},
               {"weight_bits", result.widths.weights},
               {"activation_bits", result.widths.activations},
               {"latency_ms", r.latency_ms},
               {"latency_ms_low", r.latency_ms_low},
               {"latency_ms_high", r.latency_ms_high},
               {"fits", engine::fits(r, result.budget)},
               {"preprocessing", cli::to_json(result.preprocessing)},
               {"subnet", Json::parse(result.json)}});
  return json;
}

void print_result(const EvalResult& result, bool on_test_split) {
  const engine::Resources& r = result.resources;
  print_assessment(result.assessment, on_test_split ? "test" : "search");
  fmt::print("MACs         {:>12}\nparameters   {:>12}\n", r.macs, r.params);
  fmt::print("peak SRAM    {:>12} bytes{}\nflash        {:>12} bytes{}\n", r.peak_sram_bytes,
             result.widths.activations == 8 ? "" : ", with 4-bit activations", r.flash_bytes,
             result.widths.weights == 8 ? "" : ", with 4-bit weights");
  fmt::print("latency      {:>12.1f} ms (estimate, {:.1f} to {:.1f})\n", r.latency_ms,
             r.latency_ms_low, r.latency_ms_high);
  print_preprocessing(result.preprocessing);
  const std::vector<std::string> excess = engine::describe_excess(r, result.budget);
  if (excess.empty()) {
    fmt::print("fits {}\n", result.device_name);
  } else {
    fmt::print("does not fit {}: {}\n", result.device_name, fmt::join(excess, ", "));
  }
}

int run_eval(const EvalArguments& arguments) {
  const EvalResult result = pipeline::evaluate_subnet(arguments.request);
  if (arguments.json) {
    print_json(to_json(result, arguments.request.on_test_split));
  } else {
    print_result(result, arguments.request.on_test_split);
  }
  return kDone;
}

}  // namespace

void add_eval_command(CLI::App& program, Run& run) {
  auto arguments = std::make_shared<EvalArguments>();
  CLI::App* command = program.add_subcommand("eval", description_of("eval"));
  command->footer(
      "The sub-network takes its weights from the supernet and gets batch-norm statistics of\n"
      "its own from training data; its resources are the engine's plan for the device of the\n"
      "run.\n\n"
      "  mcunet eval runs/flowers --subnet largest\n"
      "  mcunet eval runs/flowers --subnet subnet.json --split test --json");
  command->add_option("RUN", arguments->request.run, "Folder of a run with a trained supernet")
      ->required();
  command
      ->add_option("--subnet", arguments->request.subnet,
                   "largest, smallest, or a JSON file of a sub-network or network")
      ->required();
  command
      ->add_option_function<std::string>(
          "--split",
          [arguments](const std::string& split) {
            arguments->request.on_test_split = split == "test";
          },
          "Examples to measure on [search]")
      ->check(CLI::IsMember({"search", "test"}));
  command->add_flag("--json", arguments->json, "Print one JSON object and nothing else");
  command->callback([arguments, &run] { run = [arguments] { return run_eval(*arguments); }; });
}

}  // namespace mcunet::cli
