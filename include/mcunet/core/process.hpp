#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

// Other programs: compiler, emulator, gnuplot, workers of this program.
namespace mcunet {

// Generous: what a compiler or gnuplot does for a network takes seconds, on a busy machine a minute.
// One that takes longer hangs.
inline constexpr double kProcessTimeoutSeconds = 600;

struct ProcessOptions {
  std::filesystem::path folder;  // to run in
  std::string package;           // of the system that has the program, for the error
  double timeout_seconds = kProcessTimeoutSeconds;
};

struct ProcessResult {
  int exit_code = -1;  // -1: killed
  int signal = 0;      // that killed it
  bool timed_out = false;
  std::string log;  // standard output and error together
};

// Looks the program up in PATH and waits for it to end. When its time is over, or when it has
// written more than 64 MiB, it is killed together with all that it started; so it is when this
// program ends. Throws Error if it cannot be started or writes too much.
ProcessResult run_process(const std::vector<std::string>& command, const ProcessOptions& options);

// As run_process(). Throws Error also if the program is killed, by its time or by a signal.
ProcessResult run_to_end(const std::vector<std::string>& command, const ProcessOptions& options);

// Where PATH has a program.
std::optional<std::filesystem::path> find_program(const std::string& name);

// Throws Error that names the package if PATH has no such program.
void require_program(const std::string& name, const std::string& package);

// What a process is started with. The descriptors become its standard input, output and error.
struct StartOptions {
  std::filesystem::path folder;  // empty: this one's
  int input = -1;                // -1: nothing to read
  int output = 1;
  int error = 2;
  std::vector<int> blocked_signals;
  std::vector<std::string> variables = {};  // "NAME=value", beside this one's, which they replace
  bool leads_group = false;  // of processes: signals from the terminal do not reach it then
};

// Starts a program that somebody else waits for. It is killed when the calling thread ends. Throws
// Error, with the package if the program is not there.
pid_t start_process(const std::vector<std::string>& command, const StartOptions& options,
                    const std::string& package = "");

}  // namespace mcunet
