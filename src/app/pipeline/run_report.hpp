#pragma once

#include <filesystem>
#include <vector>

#include "experiment.hpp"
#include "mcunet/core/run_directory.hpp"

namespace mcunet::pipeline {

// Draws report/index.html of a run, and the pages of the stages that are complete. Throws Error if
// no stage is, or a result file is damaged.
void write_run_report(const Experiment& experiment, const RunDirectory& run);

// Draws accuracy against the mean computation of the space for runs that were searched (paper,
// Figure 10): FOLDER/accuracy_by_space.csv, and .svg and .pdf if gnuplot is there. Throws Error,
// which names the run and what it lacks.
void compare_runs(const std::vector<std::filesystem::path>& runs,
                  const std::filesystem::path& folder);

}  // namespace mcunet::pipeline
