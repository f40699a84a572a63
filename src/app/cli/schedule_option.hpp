#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <map>
#include <optional>
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

// What a streaming schedule takes.
struct StreamingArguments {
  bool pulls_input = false;
  std::optional<std::int64_t> bytes;
};

inline void add_streaming_options(CLI::App& command, StreamingArguments& arguments,
                                  const std::string& what_pulls) {
  command.add_flag("--stream-input", arguments.pulls_input,
                   what_pulls +
                       ",\nso that no image is ever whole in memory; with --schedule "
                       "streaming");
  command
      .add_option("--streaming-bytes", arguments.bytes,
                  "Bytes of the arena up to which a streaming schedule is fast instead of small: "
                  "fewer\noperators run together, in higher bands [as few as it takes]")
      ->check(CLI::PositiveNumber);
}

// Throws CLI::ValidationError for what only a streaming schedule takes.
inline void check_streaming(const StreamingArguments& arguments, engine::SchedulePolicy schedule) {
  if (schedule == engine::SchedulePolicy::kStreaming) return;
  const char* const needless = arguments.pulls_input ? "--stream-input"
                               : arguments.bytes     ? "--streaming-bytes"
                                                     : nullptr;
  if (needless != nullptr) throw CLI::ValidationError(needless, "takes --schedule streaming");
}

}  // namespace mcunet::cli
