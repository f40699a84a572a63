#pragma once

#include <string>
#include <vector>

#include "experiment.hpp"
#include "mcunet/core/run_directory.hpp"
#include "mcunet/search/space_optimizer.hpp"
#include "report/space_report.hpp"
#include "stages.hpp"

namespace mcunet::pipeline {

// Optimizes the search space of the experiment. If something fits, writes space.json, spaces.csv
// and sweep.csv to the run directory and marks the stage complete; otherwise writes nothing. A
// stage that is complete already is read back instead.
search::SpaceRanking run_space_stage(const Experiment& experiment, RunDirectory& run);

// What a training begins with where no folder holds a ranking: the resolution of the section
// `train`, else of the best space, for which the spaces are ranked. Throws Error if nothing fits.
int training_resolution(const Experiment& experiment);

// space.json, and its inverse; `source` names the text in errors.
std::string ranking_to_json(const search::SpaceRanking& ranking);
search::SpaceRanking ranking_from_json(const std::string& text, const std::string& source);

report::SpaceReportContext report_context(const Experiment& experiment);

}  // namespace mcunet::pipeline
