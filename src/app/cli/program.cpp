#include "program.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>

#include "mcunet/core/config.hpp"
#include "mcunet/core/logging.hpp"
#include "mcunet/core/version.hpp"

namespace mcunet::cli {
namespace {

// One line whatever a user's input holds.
std::string on_one_line(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  }
  return text;
}

// What CLI11 does not say: which word it took for a command, and which one was meant.
std::string describe_unknown_command(const CLI::App& program, const std::string& word) {
  std::vector<std::string> names;
  for (const CLI::App* command : program.get_subcommands({})) names.push_back(command->get_name());
  if (word.starts_with('-') || std::find(names.begin(), names.end(), word) != names.end())
    return "";
  const std::string nearest = nearest_name(word, names);
  return fmt::format("{}: is no command{} (see mcunet --help)", word,
                     nearest.empty() ? "" : "; did you mean " + nearest + "?");
}

}  // namespace

int run_program(int argc, char** argv,
                const std::function<void(CLI::App& program, Run& run)>& add_commands) {
  CLI::App program{"mcunet: neural networks for microcontrollers, from search space to firmware."};
  program.set_version_flag("--version", std::string("mcunet ") + kVersion);
  program.require_subcommand(1);
  program.footer(
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 it does not fit.\n"
      "Start with:  mcunet plan mobilenet_v2 --width 0.35 --resolution 144 --device stm32f746");
  bool is_verbose = false;
  bool is_quiet = false;
  program.add_flag("-v,--verbose", is_verbose, "Say more on standard error");
  program.add_flag("-q,--quiet", is_quiet, "Only warnings and errors on standard error");

  Run run;
  add_commands(program, run);
  const std::string unknown = argc > 1 ? describe_unknown_command(program, argv[1]) : "";
  if (!unknown.empty()) {
    fmt::print(stderr, "mcunet: {}\n", on_one_line(unknown));
    return kWrongUsage;
  }
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? kDone : kWrongUsage;
  }
  set_up_logging(is_quiet     ? Verbosity::kQuiet
                 : is_verbose ? Verbosity::kVerbose
                              : Verbosity::kNormal);
  try {
    return run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "mcunet: {}\n", on_one_line(error.what()));
    return kFailed;
  }
}

}  // namespace mcunet::cli
