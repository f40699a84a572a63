#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>

#include "mcunet/engine/planning/arena.hpp"

namespace mcunet::cli {

inline CLI::Option* add_memory_option(CLI::App& command, engine::ScratchGrowth& growth) {
  using engine::ScratchGrowth;
  return command
      .add_option("--memory", growth,
                  "What kernels of the firmware get to work in: least, or fastest, which takes\n"
                  "more where that makes a layer faster and the device has it to spare [fastest]")
      ->transform(CLI::CheckedTransformer(std::map<std::string, ScratchGrowth>{
          {"least", ScratchGrowth::kWithinArena}, {"fastest", ScratchGrowth::kWithinBudget}}));
}

}  // namespace mcunet::cli
