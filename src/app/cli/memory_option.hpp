#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>

#include "mcunet/engine/planning/arena.hpp"
#include "mcunet/engine/planning/schedule.hpp"

namespace mcunet::cli {

// What it is without the option: whoever streams wants the least.
inline engine::ScratchGrowth memory_of(engine::SchedulePolicy schedule) {
  return schedule == engine::SchedulePolicy::kStreaming ? engine::ScratchGrowth::kWithinArena
                                                        : engine::ScratchGrowth::kWithinBudget;
}

inline CLI::Option* add_memory_option(CLI::App& command, engine::ScratchGrowth& growth) {
  using engine::ScratchGrowth;
  return command
      .add_option("--memory", growth,
                  "What kernels of the firmware get to work in: least, or fastest, which takes\n"
                  "more where that makes a layer faster and the device has it to spare [fastest;\n"
                  "of a streaming schedule least]")
      ->transform(CLI::CheckedTransformer(std::map<std::string, ScratchGrowth>{
          {"least", ScratchGrowth::kWithinArena}, {"fastest", ScratchGrowth::kWithinBudget}}));
}

}  // namespace mcunet::cli
