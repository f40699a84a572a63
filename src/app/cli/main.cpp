#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <exception>

#include "commands.hpp"
#include "mcunet/core/logging.hpp"
#include "mcunet/core/version.hpp"

int main(int argc, char** argv) {
  using namespace mcunet;
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

  cli::Run run;
  cli::add_space_command(program, run);
  cli::add_plan_command(program, run);
  cli::add_report_command(program, run);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return program.exit(error) == 0 ? cli::kDone : cli::kWrongUsage;
  }
  set_up_logging(is_quiet     ? Verbosity::kQuiet
                 : is_verbose ? Verbosity::kVerbose
                              : Verbosity::kNormal);
  try {
    return run();
  } catch (const std::exception& error) {
    fmt::print(stderr, "mcunet: {}\n", error.what());
    return cli::kFailed;
  }
}
