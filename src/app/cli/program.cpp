#include "program.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>
#include <nlohmann/json.hpp>
#include <system_error>
#include <vector>

#include "mcunet/core/config.hpp"
#include "mcunet/core/json_text.hpp"
#include "mcunet/core/logging.hpp"
#include "mcunet/core/names.hpp"
#include "mcunet/core/standard_streams.hpp"
#include "mcunet/core/version.hpp"
#include "mcunet/engine/tflite/reader.hpp"

namespace mcunet::cli {
namespace {

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

std::string describe_wrong_usage(const CLI::App& program, const CLI::ParseError& error) {
  const auto commands = program.get_subcommands();
  return fmt::format("{} (see mcunet {}--help)", error.what(),
                     commands.empty() ? "" : commands.front()->get_name() + " ");
}

void add_program_options(CLI::App& program) {
  program.set_version_flag("--version", std::string("mcunet ") + kVersion);
  program.require_subcommand(1);
  program.footer(
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 it does not fit.\n"
      "Start with:  mcunet plan mobilenet_v2 --width 0.35 --resolution 144 --device stm32f746");
  program.add_flag("-v,--verbose")->description("Say more on standard error");
  program.add_flag("-q,--quiet")->description("Only warnings and errors on standard error");
}

Verbosity verbosity_of(const CLI::App& program) {
  if (program.count("--quiet") > 0) return Verbosity::kQuiet;
  return program.count("--verbose") > 0 ? Verbosity::kVerbose : Verbosity::kNormal;
}

// Of a model that cannot be run: operator by operator.
nlohmann::ordered_json to_json(const std::vector<engine::Blocker>& blockers) {
  auto list = nlohmann::ordered_json::array();
  for (const engine::Blocker& blocker : blockers) {
    list.push_back({{"operator", blocker.index},
                    {"name", blocker.name},
                    {"output", blocker.output},
                    {"reason", blocker.reason}});
  }
  return list;
}

// A failure of its own must not hide the first one.
void print_json_error(const std::string& message, const std::vector<engine::Blocker>& blockers) {
  try {
    nlohmann::ordered_json json = {{"error", message}};
    if (!blockers.empty()) json["blockers"] = to_json(blockers);
    print_json(json);
    finish_standard_output();
  } catch (const std::exception&) {
  }
}

const std::string kOutputIsLost = "standard output: cannot be written: ";

}  // namespace

void print_json(const nlohmann::ordered_json& json) { fmt::print("{}\n", json_text(json)); }

int run_program(int argc, char** argv,
                const std::function<void(CLI::App& program, Run& run)>& add_commands) {
  secure_standard_streams();
  const bool prints_json = std::find(argv, argv + argc, std::string_view("--json")) != argv + argc;
  const auto fail = [&](ExitCode code, const std::string& message,
                        const std::vector<engine::Blocker>& blockers = {}) {
    say("mcunet: {}\n", on_one_line(message));
    if (prints_json) print_json_error(message, blockers);
    return code;
  };
  try {
    CLI::App program{
        "mcunet: neural networks for microcontrollers, from search space to firmware."};
    Run run;
    add_program_options(program);
    add_commands(program, run);
    const std::string unknown = argc > 1 ? describe_unknown_command(program, argv[1]) : "";
    if (!unknown.empty()) return fail(kWrongUsage, unknown);
    try {
      program.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() != 0)
        return fail(kWrongUsage, describe_wrong_usage(program, error));
      program.exit(error);
      finish_standard_output();
      return kDone;
    }
    set_up_logging(verbosity_of(program));
    const int code = run();
    finish_standard_output();
    return code;
  } catch (const engine::UnsupportedModel& error) {
    return fail(kFailed, error.what(), error.blockers());
  } catch (const std::bad_alloc&) {
    return fail(kFailed, "there is not enough memory for this");
  } catch (const std::system_error& error) {
    // What prints results throws this, without a name.
    const bool is_output = std::ferror(stdout) != 0;
    return fail(kFailed, is_output ? kOutputIsLost + error.code().message() : error.what());
  } catch (const std::exception& error) {
    return fail(kFailed, error.what());
  }
}

}  // namespace mcunet::cli
