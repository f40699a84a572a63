#pragma once

#include <filesystem>
#include <string>
#include <vector>

// Runs the compiler and the emulator.
namespace mcunet::deploy {

struct ProcessResult {
  int exit_code = -1;  // -1: killed by a signal
  bool timed_out = false;
  std::string log;  // standard output and error together
};

struct ProcessOptions {
  std::filesystem::path folder;  // to run in
  std::string package;           // of the system that has the program, for the error
  double timeout_seconds = 600;
};

// Looks the program up in PATH, waits for it to end, and kills it when its time is over. Throws
// Error if it cannot be started.
ProcessResult run_process(std::vector<std::string> command, const ProcessOptions& options);

}  // namespace mcunet::deploy
