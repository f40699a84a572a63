#pragma once

#include <functional>

#include "commands.hpp"

// What mcunet and mcunet-train have in common: parsing, logging, errors and exit codes.
namespace mcunet::cli {

// Runs the command that the user chose and returns its exit code. Wrong usage, and what a command
// throws, become one line on standard error.
int run_program(int argc, char** argv,
                const std::function<void(CLI::App& program, Run& run)>& add_commands);

}  // namespace mcunet::cli
