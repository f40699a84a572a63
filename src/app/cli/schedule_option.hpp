#pragma once

#include <CLI/CLI.hpp>
#include <map>
#include <string>

#include "mcunet/engine/planning/schedule.hpp"

namespace mcunet::cli {

// Schedules of this engine, and what stands for another library if memory is only to be planned.
enum class Schedules { kCompiled, kPlanned };

inline CLI::Option* add_schedule_option(CLI::App& command, engine::SchedulePolicy& schedule,
                                        Schedules which) {
  const bool is_planned = which == Schedules::kPlanned;
  std::map<std::string, engine::SchedulePolicy> policies;
  for (const engine::SchedulePolicy policy : engine::kSchedulePolicies) {
    if (policy != engine::SchedulePolicy::kTflm || is_planned) {
      policies.emplace(engine::name_of(policy), policy);
    }
  }
  const std::string text =
      "op-by-op; in-place, where operators may overwrite their input; or streaming, where\n"
      "several may run together in bands of rows, for the least SRAM";
  return command
      .add_option("--schedule", schedule,
                  text + (is_planned ? ";\ntflm: what TensorFlow Lite Micro with CMSIS-NN would "
                                       "need [in-place]"
                                     : " [in-place]"))
      ->transform(CLI::CheckedTransformer(policies));
}

}  // namespace mcunet::cli
