#pragma once

#include "experiment.hpp"
#include "mcunet/core/run_directory.hpp"

namespace mcunet::pipeline {

// Draws report/index.html of a run, and the pages of the stages that are complete. Throws Error if
// no stage is, or a result file is damaged.
void write_run_report(const Experiment& experiment, const RunDirectory& run);

}  // namespace mcunet::pipeline
