#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>

#include "commands.hpp"

// What mcunet and mcunet-train have in common: parsing, logging, errors and exit codes.
namespace mcunet::cli {

// The one object that --json promises, on a line of its own.
void print_json(const nlohmann::ordered_json& json);

// Runs the command that the user chose and returns its exit code. Wrong usage, and what a command
// throws, become one line on standard error, and {"error": "…"} on standard output where --json is
// given. Results that standard output does not take are a failure too.
int run_program(int argc, char** argv,
                const std::function<void(CLI::App& program, Run& run)>& add_commands);

}  // namespace mcunet::cli
