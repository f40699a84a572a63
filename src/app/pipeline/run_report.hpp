#pragma once

#include <filesystem>

#include "experiment.hpp"
#include "mcunet/core/run_directory.hpp"

namespace mcunet::pipeline {

// Draws report/index.html of a run: all that the stages which are complete came to, on one page that needs
// no other file. The plots' data, scripts, SVG and PDF lie beside it. Throws Error if no stage is complete,
// or a result file is damaged.
void write_run_report(const Experiment& experiment, const RunDirectory& run);

}  // namespace mcunet::pipeline
