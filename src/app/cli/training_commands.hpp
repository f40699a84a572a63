#pragma once

#include <span>
#include <string>

#include "commands.hpp"

// The commands that are part of mcunet-train, because they need libtorch or OpenCV, or of mcunet-live,
// which needs OpenCV's cameras: their loading would make every run of mcunet slower. mcunet lists them
// and hands them over.
namespace mcunet::cli {

struct TrainingCommand {
  const char* name = nullptr;
  const char* description = nullptr;  // one line, for both programs' --help
  const char* program = "mcunet-train";
};

std::span<const TrainingCommand> training_commands();

// Of one of the training commands. Throws Error if it is none.
const char* description_of(const std::string& name);

// Adds those training commands that the program does not have yet. Each takes any arguments, and
// `run_missing` does what is to be done if the user chose it.
void add_missing_commands(CLI::App& program, Run& run,
                          const std::function<int(const std::string& name)>& run_missing);

// Becomes mcunet-train, or the program of a training command, which lies in the folder of this one,
// with the same arguments. Throws Error if it cannot be started.
[[noreturn]] void hand_over(char** argv, const std::string& command = "");

}  // namespace mcunet::cli
