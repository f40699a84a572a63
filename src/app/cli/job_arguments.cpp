#include "job_arguments.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "mcunet/core/error.hpp"
#include "pipeline/stages.hpp"
#include "pipeline/supernet_reuse.hpp"

namespace mcunet::cli {

namespace fs = std::filesystem;

namespace {

// A folder, whether its name ends with a slash or not.
fs::path without_slash(const std::string& folder) { return (fs::path(folder) / "").parent_path(); }

pipeline::Experiment reuse_of_supernet(const JobArguments& arguments) {
  ConfigNode config = pipeline::config_of_reuse(arguments.config, arguments.device);
  if (arguments.subnet) {
    const pipeline::Experiment source = pipeline::load_experiment(config, {});
    apply_override(config, "finetune.subnet=" +
                               pipeline::find_subnet(*arguments.subnet, arguments.config, source));
  }
  return pipeline::load_experiment(std::move(config), arguments.overrides);
}

pipeline::Experiment experiment_of(const JobArguments& arguments) {
  if (arguments.subnet && !pipeline::is_run(arguments.config)) {
    throw Error("--subnet: is of a job with a trained supernet, and {} is the folder of none",
                arguments.config);
  }
  if (arguments.reuses_supernet()) return reuse_of_supernet(arguments);
  if (pipeline::is_run(arguments.config)) {
    return pipeline::load_experiment(read_run_config(arguments.config), arguments.overrides);
  }
  std::vector<std::string> overrides = arguments.overrides;
  if (arguments.device) overrides.insert(overrides.begin(), "device=" + *arguments.device);
  return pipeline::load_experiment(arguments.config, overrides);
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
  if (!out.empty()) return out;
  if (!pipeline::is_run(config)) return "runs/" + fs::path(config).stem().string();
  std::string folder = without_slash(config).string();
  if (device) folder += "-" + fs::path(*device).stem().string();
  if (subnet) {
    std::string name = fs::path(*subnet).stem().string();
    std::erase(name, ':');  // rank3
    folder += "-" + name;
  }
  return folder;
}

bool JobArguments::reuses_supernet() const {
  return pipeline::is_run(config) &&
         fs::weakly_canonical(folder()) != fs::weakly_canonical(without_slash(config));
}

std::string JobArguments::to_resume(const std::string& subcommand) const {
  std::string line = fmt::format("mcunet {} {} --out {}", subcommand, config, folder());
  if (device) line += " --device " + *device;
  if (subnet) line += " --subnet " + *subnet;
  for (const std::string& assignment : overrides) line += fmt::format(" --set '{}'", assignment);
  return line + " --resume";
}

void add_job_options(CLI::App& command, JobArguments& arguments) {
  command
      .add_option(
          "CONFIG", arguments.config,
          "YAML file, a name in configs/experiments/, or the folder of a job: with another\n"
          "folder or device, a job that uses the supernet which that one trained")
      ->required();
  command.add_option("-o,--out", arguments.out,
                     "Folder for results and checkpoints [runs/CONFIG; of a job its own, or\n"
                     "FOLDER-DEVICE]");
  command.add_option(
      "--device", arguments.device,
      "Another device than the configuration's: a name in configs/devices/, or a file");
  command.add_option("--set", arguments.overrides, "Override a value: key.path=value")
      ->take_all()
      ->allow_extra_args(false);
  command.add_flag("--resume", arguments.resume, "Go on with what the folder holds");
  command.add_flag("--json", arguments.json, "Print one JSON object and nothing else");
}

void add_subnet_option(CLI::App& command, JobArguments& arguments) {
  command.add_option(
      "--subnet", arguments.subnet,
      "Of the supernet of the job in the folder CONFIG: largest, smallest, rank:3 for the third\n"
      "best that its search measured, or a JSON file; into a folder of its own [FOLDER-SUBNET]");
}

Job::Job(const JobArguments& arguments)
    : experiment(experiment_of(arguments)),
      lock(arguments.folder()),
      run(open_run(experiment, arguments)) {
  if (!arguments.reuses_supernet() || run.is_complete(pipeline::kTrainStage)) return;
  pipeline::take_over_supernet(arguments.config, experiment, run);
  begins_with_supernet = true;
}

}  // namespace mcunet::cli
