#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "experiment.hpp"
#include "mcunet/core/run_directory.hpp"
#include "mcunet/search/accuracy_estimator.hpp"
#include "mcunet/search/search_result.hpp"
#include "report/search_report.hpp"
#include "stages.hpp"

namespace mcunet::pipeline {

// The accuracies of one trained supernet.
struct AccuracySource {
  search::AccuracyEstimator& estimator;
  // What the accuracies depend on: checkpoint, data, recalibration. Accuracies and states of
  // another identity are refused.
  std::string identity;
  // Called when no more will be asked of it.
  std::function<void()> finish = [] {};
};

// Searches `space`, that of the experiment at the supernet's width, for the most accurate network
// within the budget: evolution, random search at equal evaluations, and the front. Writes
// search.json and search.csv, and marks the stage complete. Accuracies are kept in
// search/accuracies.jsonl as they come and the searches' states in search/*.json after each
// generation: with `resume`, a run that was killed goes on from there and ends with the same
// result. If nothing fits, the result says why and the stage is not complete. A stage that is
// complete is read back. Throws Error if the folder holds a search of something else.
search::SearchResult run_search_stage(const Experiment& experiment,
                                      const search::space::SearchSpace& space,
                                      const AccuracySource& accuracy, RunDirectory& run,
                                      bool resume);

// What was searched in a run, and what was found: the searches' states. Throws Error if they are not there
// or damaged.
struct Searches {
  search::space::SearchSpace space;
  search::SearchResult result;  // feasible
};
Searches read_searches(const std::filesystem::path& run);

// search.json.
std::string search_to_json(const Experiment& experiment, const search::space::SearchSpace& space,
                           const search::SearchResult& result);

// Every evaluated network, one a line.
std::string search_to_csv(const search::space::SearchSpace& space,
                          const search::SearchResult& result);

report::SearchReportContext report_context(const Experiment& experiment,
                                           const search::space::SearchSpace& space);

}  // namespace mcunet::pipeline
