#include "job.hpp"

#include <spdlog/spdlog.h>

#include "run_report.hpp"
#include "trained_supernet.hpp"

namespace mcunet::pipeline {
namespace {

using datasets::Split;

void heading(const char* stage) { spdlog::info("== {}", stage); }

}  // namespace

SearchStageResult search_run(const Experiment& experiment, RunDirectory& run, bool resume) {
  const search::space::SearchSpace space = choose_training_space(experiment, run.folder()).space;
  SupernetEstimator estimator(experiment, space, run.folder());
  return run_search_stage(experiment, space, {estimator, estimator.identity()}, run, resume);
}

FinetuneResult finetune_run(const Experiment& experiment, RunDirectory& run,
                            const StageControl& control) {
  const search::space::SearchSpace space = choose_training_space(experiment, run.folder()).space;
  return run_finetune_stage(experiment, space, read_winner(space, run.folder()), run,
                            control.resume, control.should_stop);
}

bool export_run(const Experiment& experiment, RunDirectory& run, bool resume) {
  if (resume && run.is_complete(kExportStage)) return true;
  const StageClock clock;
  use_threads(experiment.train.trainer);
  const supernet::FixedNetwork network = load_finetuned(run.folder());
  const Splits splits{dataset_of(experiment), network->description().resolution};
  const auto training = splits.open(Split::kTrain);
  const auto held_out = splits.open(Split::kSearch);
  const auto test = splits.open(Split::kTest);
  const datasets::DatasetOptions& dataset = splits.options;
  std::optional<datasets::LogMelParameters> spectrogram;
  if (datasets::is_audio(dataset.kind)) {
    spectrogram = datasets::spectrogram_of(dataset, network->description().resolution);
  }
  const ExportResult result = export_network(network,
                                             {.device = experiment.device,
                                              .quantization = experiment.quantization,
                                              .options = experiment.exporting,
                                              .seed = experiment.seed,
                                              .training = *training,
                                              .held_out = *held_out,
                                              .test = *test,
                                              .spectrogram = spectrogram},
                                             run.folder() / kExportFolder);
  run.write("export.json", to_json(result));
  const std::vector<std::string> excess = deploy::describe_excess(result.compiled.firmware);
  for (const std::string& region : excess) spdlog::error("{}", region);
  if (excess.empty()) run.mark_complete(kExportStage, clock.elapsed());
  return excess.empty();
}

JobResult run_job(const Experiment& experiment, RunDirectory& run, const StageControl& control) {
  JobResult result;
  dataset_of(experiment);  // before any work
  heading("Search space");
  result.space = run_space_stage(experiment, run);
  if (!result.space.is_feasible()) return result;
  heading("Supernet");
  result.train = run_train_stage(experiment, run, control.resume, control.should_stop);
  if (result.is_stopped()) return result;
  heading("Search");
  result.search = search_run(experiment, run, control.resume);
  if (!result.search->is_feasible()) return result;
  heading("Fine-tuning");
  result.finetune = finetune_run(experiment, run, control);
  if (result.is_stopped()) return result;
  heading("Export");
  result.exported = export_run(experiment, run, control.resume);
  write_run_report(experiment, run);
  return result;
}

}  // namespace mcunet::pipeline
