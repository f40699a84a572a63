#include "job_arguments.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "pipeline/stages.hpp"

namespace mcunet::cli {
namespace {

volatile sig_atomic_t stop_requested = 0;

void request_stop(int signal) {
  stop_requested = 1;
  ::signal(signal, SIG_DFL);
}

RunDirectory open_run(pipeline::Experiment& experiment, const JobArguments& arguments) {
  // What earlier commands completed is taken over in any case; each stage decides on itself.
  RunDirectory run(arguments.folder(), write_fields(pipeline::fields_of(experiment)),
                   experiment.seed, /*resume=*/true, pipeline::changes_on_resume());
  pipeline::forget_stages_without_files(run);
  return run;
}

}  // namespace

std::string JobArguments::folder() const {
  return out.empty() ? "runs/" + std::filesystem::path(config).stem().string() : out;
}

std::string JobArguments::to_resume(const std::string& subcommand) const {
  std::string line = fmt::format("mcunet {} {} --out {}", subcommand, config, folder());
  for (const std::string& assignment : overrides) line += fmt::format(" --set '{}'", assignment);
  return line + " --resume";
}

void add_job_options(CLI::App& command, JobArguments& arguments) {
  command.add_option("CONFIG", arguments.config, "YAML file, or a name in configs/experiments/")
      ->required();
  command.add_option("-o,--out", arguments.out, "Folder for results and checkpoints [runs/CONFIG]");
  command.add_option("--set", arguments.overrides, "Override a value: key.path=value")
      ->take_all()
      ->allow_extra_args(false);
  command.add_flag("--resume", arguments.resume, "Go on with what the folder holds");
  command.add_flag("--json", arguments.json, "Print one JSON object and nothing else");
}

Job::Job(const JobArguments& arguments)
    : experiment(pipeline::load_experiment(arguments.config, arguments.overrides)),
      run(open_run(experiment, arguments)) {}

std::function<bool()> stop_on_signals() {
  ::signal(SIGINT, request_stop);
  ::signal(SIGTERM, request_stop);
  return [] { return stop_requested != 0; };
}

}  // namespace mcunet::cli
