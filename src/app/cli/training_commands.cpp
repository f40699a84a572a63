#include "training_commands.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"

namespace mcunet::cli {

std::span<const TrainingCommand> training_commands() {
  static constexpr TrainingCommand kCommands[] = {
      {"data", "Check a dataset, tell its statistics, or preview what a network sees"},
      {"train", "Train a supernet that shares its weights among all sub-networks"},
      {"eval", "Measure the accuracy of one sub-network of a trained supernet"},
      {"search", "Search a trained supernet for the best sub-network that fits the device"},
      {"finetune", "Train the chosen sub-network further, for its quantized form"},
      {"export", "Quantize a trained network and write it as .tflite and firmware"},
      {"run", "Do a whole job: space, train, search, finetune, export"},
      {"live", "Feed images, a camera or sound to firmware, and show its answers", "mcunet-live"},
  };
  return kCommands;
}

namespace {

const TrainingCommand& find(const std::string& name) {
  for (const TrainingCommand& command : training_commands()) {
    if (name == command.name) return command;
  }
  throw Error("{}: is no training command", name);
}

}  // namespace

const char* description_of(const std::string& name) { return find(name).description; }

void add_missing_commands(CLI::App& program, Run& run,
                          const std::function<int(const std::string& name)>& run_missing) {
  for (const TrainingCommand& summary : training_commands()) {
    const std::string name = summary.name;
    const auto has_its_name = [&name](const CLI::App* app) { return app->get_name() == name; };
    if (!program.get_subcommands(has_its_name).empty()) continue;
    CLI::App* command = program.add_subcommand(name, summary.description);
    // Its arguments, --help among them, are not for this program to understand.
    command->set_help_flag();
    command->prefix_command();
    command->callback(
        [name, run_missing, &run] { run = [name, run_missing] { return run_missing(name); }; });
  }
}

void hand_over(char** argv, const std::string& command) {
  const std::filesystem::path program =
      executable_folder() / (command.empty() ? TrainingCommand{}.program : find(command).program);
  std::fflush(nullptr);
  ::execv(program.c_str(), argv);
  if (errno == ENOENT) {
    throw Error("{}: is not there; it holds this command and belongs beside mcunet",
                program.string());
  }
  throw Error("{}: cannot be started: {}", program.string(), std::strerror(errno));
}

}  // namespace mcunet::cli
