#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "job_arguments.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "pipeline/job.hpp"
#include "program.hpp"
#include "report/space_report.hpp"
#include "training_commands.hpp"

namespace mcunet::cli {
namespace {

using pipeline::JobResult;
using Json = nlohmann::ordered_json;

// The result files of all stages in one object.
Json to_json(const RunDirectory& run) {
  Json json;
  for (const char* stage :
       {"space", "train", "search", "finetune", "export", "quantization_aware"}) {
    // Not asked for; an export that does not fit is not complete, but told.
    if (!run.is_complete(stage) && std::string_view(stage) != pipeline::kExportStage) continue;
    json[stage] = Json::parse(read_file(run.folder() / (std::string(stage) + ".json")));
  }
  return json;
}

void print_result(const JobResult& result, const RunDirectory& run, const std::string& folder) {
  fmt::print("Search space: {} (by {})\n",
             report::space_label(result.train->width, result.train->resolution),
             result.train->chosen_by);
  fmt::print("Supernet: the largest sub-network has {} on the test split\n",
             pipeline::describe_share(result.train->test));
  if (result.search) print_search(*result.search, folder);
  print_finetune(*result.finetune);
  print_export(read_file(run.folder() / "export.json"), folder);
  fmt::print("Report: {}/report/index.html\n", folder);
}

int run_whole_job(const JobArguments& arguments, const pipeline::Ranks& ranks) {
  Job job(arguments);
  const bool goes_on = arguments.resume || job.begins_with_supernet;
  if (!goes_on && !job.run.costs().empty()) {
    throw Error("{}: holds a job already: go on with --resume, or choose another --out",
                arguments.folder());
  }
  const JobResult result =
      pipeline::run_job(job.experiment, job.run, {goes_on, stop_on_signals(), ranks});
  if (!result.infeasible.empty()) {
    return print_infeasible(job.experiment, result.infeasible, arguments.json);
  }
  if (result.is_stopped) {
    throw Error("stopped; go on with: {}", arguments.to_resume("run"));
  }
  if (arguments.json) {
    print_json(to_json(job.run));
  } else {
    print_result(result, job.run, arguments.folder());
  }
  return *result.exported ? kDone : kDoesNotFit;
}

}  // namespace

void add_run_command(CLI::App& program, Run& run) {
  auto arguments = std::make_shared<JobArguments>();
  CLI::App* command = program.add_subcommand("run", description_of("run"));
  command->footer(
      "From one YAML file to firmware: optimizes the search space for the device, trains the\n"
      "supernet, searches it, fine-tunes the winner, quantizes it, compiles it to C, links\n"
      "firmware, runs that on an emulated core, and writes report/index.html. Stages that are\n"
      "complete are not run again with --resume; a job that was killed at any moment ends with\n"
      "the same network. If int8 costs accuracy, --set finetune.quantization_aware.epochs=N\n"
      "trains the network on with its rounding simulated, with --resume also after the job.\n"
      "--set quantization.weight_bits=4 makes a network of half the flash, from the search on;\n"
      "with quantization.policy=mixed, layers that flash has room for keep weights of 8 bits.\n\n"
      "  mcunet run quickstart\n"
      "  mcunet run flowers --set dataset.path=/data/flowers --out runs/flowers\n\n"
      "The supernet that a job trained serves other devices, budgets and widths of weights,\n"
      "in folders of their own and without training again:\n\n"
      "  mcunet run runs/flowers --device stm32f412\n"
      "  mcunet run runs/flowers --set quantization.weight_bits=4 --out runs/flowers4\n\n"
      "and a sub-network of it that you choose, in place of a search:\n\n"
      "  mcunet run runs/flowers --subnet rank:3\n\n"
      "A network JSON is a space of one network, and its PyTorch checkpoint what training begins with:\n\n"
      "  mcunet run my.yaml --set space=mcunet.json --set train.initial_weights=mcunet.pth");
  add_job_options(*command, *arguments);
  add_subnet_option(*command, *arguments);
  command->callback([arguments, &run] {
    run = [arguments] {
      return pipeline::with_ranks(stop_on_signals, [&](const pipeline::Ranks& ranks) {
        return run_whole_job(*arguments, ranks);
      });
    };
  });
}

}  // namespace mcunet::cli
