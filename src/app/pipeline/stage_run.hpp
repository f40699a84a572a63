#pragma once

#include <functional>
#include <string>
#include <vector>

#include "mcunet/core/run_directory.hpp"
#include "stages.hpp"

// What all stages of a job have in common around their own work.
namespace mcunet::pipeline {

// A stage's work calls it once all that it needs is loaded, before it changes anything in the run
// directory: what was there holds until then.
using Begin = std::function<void()>;

template <typename Result>
struct Stage {
  const char* name;
  std::function<Result()> read;  // what the complete stage left in the run directory
  // False if it did not come to an end: it was stopped, or nothing fits.
  std::function<bool(Result&, const Begin& begin)> work;
  std::function<void(Result&, double seconds)> write;  // the last of its files
  // What no longer holds once the work has begun.
  std::vector<std::string> discards = stages_from(name);
};

// Reads a stage that is complete, if `resume`. Else does its work, and if that comes to an end,
// writes the result and marks the stage complete.
template <typename Result>
Result run_stage(RunDirectory& run, bool resume, const Stage<Result>& stage) {
  if (resume && run.is_complete(stage.name)) return stage.read();
  const StageClock clock;
  Result result;
  if (!stage.work(result, [&] { run.discard(stage.discards); })) return result;
  stage.write(result, clock.elapsed().wall_seconds);
  run.mark_complete(stage.name, clock.elapsed());
  return result;
}

}  // namespace mcunet::pipeline
