#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "experiment.hpp"
#include "finetune_stage.hpp"
#include "mcunet/core/run_directory.hpp"
#include "quantization_aware_stage.hpp"
#include "ranks.hpp"
#include "search_stage.hpp"
#include "space_stage.hpp"
#include "stages.hpp"
#include "train_stage.hpp"

// A whole job: space optimization, supernet, search, fine-tuning, export, report. Each stage leaves
// its results in the run directory, from which the next one takes them; so each can also be run on
// its own.
namespace mcunet::pipeline {

inline constexpr char kExportFolder[] = "export";

struct StageControl {
  bool resume = false;
  std::function<bool()> should_stop = [] { return false; };
  Ranks ranks = alone();  // that share the training, the search and the fine-tuning
  // The command line of this program that calls serve_accuracies().
  std::vector<std::string> accuracy_worker = {"/proc/self/exe", "-q", "search-worker"};
};

// The stages that need the supernet of a run, by the winner of its search or the sub-network that the
// experiment names. As their functions in NAME_stage.hpp, with everything else taken from the run. No
// result: the search was stopped.
std::optional<search::SearchResult> search_run(const Experiment& experiment, RunDirectory& run,
                                               const StageControl& control);
FinetuneResult finetune_run(const Experiment& experiment, RunDirectory& run,
                            const StageControl& control);
// Nothing if the experiment does not ask for it.
std::optional<QuantizationAwareResult> quantization_aware_run(const Experiment& experiment,
                                                              RunDirectory& run,
                                                              const StageControl& control);

// Writes export.json and the folder export/, of the network that was fine-tuned; with no epochs of that,
// of the chosen one as it is in the supernet. Whether the firmware fits; if not, says what is in
// excess, and the stage is not complete.
bool export_run(const Experiment& experiment, RunDirectory& run, bool resume);

// What a training begins with: ranks the spaces, unless the section `train` says both width and
// resolution, and tries to link a network of the space that will be trained, if a cross compiler is
// there. Returns why nothing fits, or nothing.
std::vector<std::string> prepare_training(const Experiment& experiment, RunDirectory& run);

// As far as the job came: a stage is absent if one before it found nothing that fits, or stopped; the
// search also if the experiment names a sub-network.
struct JobResult {
  std::vector<std::string> infeasible;  // why nothing fits, if nothing does
  std::optional<TrainResult> train;
  std::optional<search::SearchResult> search;
  std::optional<FinetuneResult> finetune;
  std::optional<QuantizationAwareResult> quantization_aware;
  std::optional<bool> exported;  // whether the firmware fits
  bool is_stopped = false;
};

JobResult run_job(const Experiment& experiment, RunDirectory& run, const StageControl& control);

}  // namespace mcunet::pipeline
