#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "commands.hpp"
#include "job_arguments.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/progress.hpp"
#include "pipeline/job.hpp"
#include "training_commands.hpp"

namespace mcunet::cli {
namespace {

int run_finetune(const JobArguments& arguments) {
  Job job(arguments);
  const pipeline::FinetuneResult result =
      pipeline::finetune_run(job.experiment, job.run, {arguments.resume, stop_on_signals()});
  if (result.stopped) {
    throw Error("stopped at step {} of {}; go on with: {}", result.steps, result.total_steps,
                arguments.to_resume("finetune"));
  }
  if (arguments.json) {
    fmt::print("{}", read_file(job.run.folder() / "finetune.json"));
    return kDone;
  }
  print_finetune(result);
  fmt::print("Trained {} steps in {}\nNetwork: {}/network.json, network.pt\n", result.steps,
             format_duration(result.seconds), arguments.folder());
  return kDone;
}

}  // namespace

void print_finetune(const pipeline::FinetuneResult& result) {
  fmt::print(
      "top-1 on the search split: {:.2f} % inherited, {:.2f} % fine-tuned; test split {:.2f} %\n",
      100 * result.inherited_top1, 100 * result.top1, 100 * result.test_top1);
}

void add_finetune_command(CLI::App& program, Run& run) {
  auto arguments = std::make_shared<JobArguments>();
  CLI::App* command = program.add_subcommand("finetune", description_of("finetune"));
  command->footer(
      "Takes the winner of the search in the folder and trains it from the weights that it has in "
      "the\n"
      "supernet. Writes network.json and network.pt (torch.load reads it).\n\n"
      "  mcunet finetune flowers --set dataset.path=/data/flowers --out runs/flowers");
  add_job_options(*command, *arguments);
  command->callback([arguments, &run] { run = [arguments] { return run_finetune(*arguments); }; });
}

}  // namespace mcunet::cli
