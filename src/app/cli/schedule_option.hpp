#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>

#include "mcunet/engine/planning/schedule.hpp"

namespace mcunet::cli {

inline CLI::Option* add_schedule_option(CLI::App& command, engine::SchedulePolicy& schedule) {
  using engine::SchedulePolicy;
  return command
      .add_option(
          "--schedule", schedule,
          "op-by-op; in-place, where operators may overwrite their input; or streaming, where\n"
          "several may run together in bands of rows, for the least SRAM [in-place]")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, SchedulePolicy>{{"op-by-op", SchedulePolicy::kOpByOp},
                                                {"in-place", SchedulePolicy::kInPlace},
                                                {"streaming", SchedulePolicy::kStreaming}}));
}

}  // namespace mcunet::cli
