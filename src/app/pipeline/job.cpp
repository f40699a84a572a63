#include "job.hpp"

#include <spdlog/spdlog.h>

#include "accuracy_workers.hpp"
#include "data_identity.hpp"
#include "export_stage.hpp"
#include "float_graph.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/scratch_folder.hpp"
#include "mcunet/deploy/emulator.hpp"
#include "mcunet/deploy/firmware.hpp"
#include "mcunet/search/infeasibility.hpp"
#include "mcunet/search/subnet_oracle.hpp"
#include "mcunet/supernet/process_group.hpp"
#include "onnx_file.hpp"
#include "rank_accuracies.hpp"
#include "report/plot.hpp"
#include "run_pictures.hpp"
#include "run_report.hpp"
#include "stage_run.hpp"
#include "trained_supernet.hpp"
#include "trial_link.hpp"

namespace mcunet::pipeline {
namespace {

using datasets::Split;

void heading(const char* stage) { spdlog::info("== {}", stage); }

struct Stopped {};

// Throws Stopped before a network and after one whose accuracy the search has kept.
class StoppableEstimator : public search::AccuracyEstimator {
 public:
  StoppableEstimator(search::AccuracyEstimator& estimator, const std::function<bool()>& should_stop)
      : estimator_(estimator), should_stop_(should_stop) {}

  double estimate(const search::space::Subnet& subnet) override {
    stop_if_asked();
    return estimator_.estimate(subnet);
  }
  void estimate_each(std::span<const search::space::Subnet> subnets,
                     const Arrival& arrived) override {
    stop_if_asked();
    estimator_.estimate_each(subnets, [&](std::size_t index, double accuracy) {
      arrived(index, accuracy);
      stop_if_asked();
    });
  }

 private:
  void stop_if_asked() const {
    if (should_stop_()) throw Stopped();
  }

  search::AccuracyEstimator& estimator_;
  const std::function<bool()>& should_stop_;
};

// Throws Error if both ranks and workers were to measure for the search.
void require_own_devices(const Experiment& experiment, const Ranks& ranks) {
  if (ranks->ranks() == 1 || experiment.search.devices.empty()) return;
  throw Error(
      "search.devices: the {} ranks of this job measure, each on its own device: leave it empty",
      ranks->ranks());
}

// Both stages are the command finetune's.
void require_complete(const RunDirectory& run, const char* stage) {
  if (run.is_complete(stage)) return;
  throw Error("{}: the stage {} is not complete: go on with mcunet finetune", run.folder().string(),
              stage);
}

// What export_run() will call.
void require_export_programs(const Experiment& experiment) {
  if (experiment.exporting.emulated_examples > 0) {
    deploy::require_emulator();
  } else {
    deploy::require_cross_compiler();
  }
}

// Whether the firmware fits the device; that it exceeds the job's budget is told.
bool export_winner(const Experiment& experiment, const RunDirectory& run, const Begin& begin) {
  remove_abandoned_scratch(run.folder());
  use_threads(experiment.train.trainer);
  const supernet::FixedNetwork network = load_finetuned(run.folder());
  const bool is_aware = experiment.finetune.quantization_aware.epochs > 0;
  require_complete(run, kFinetuneStage);
  if (is_aware) require_complete(run, kQuantizationAwareStage);
  const int resolution = network->description().resolution;
  const Splits splits{dataset_of(experiment), resolution};
  const auto training = splits.open(Split::kTrain);
  const auto held_out = splits.open(Split::kSearch);
  const auto test = splits.open(Split::kTest);
  const std::shared_ptr<const Task> task = task_of(experiment);
  ExportContext context{.device = experiment.device,
                        .sram_budget_bytes = experiment.budget.sram_bytes,
                        .schedule = experiment.oracle.schedule,
                        .pulls_input = experiment.oracle.pulls_input,
                        .quantization = experiment.quantization,
                        .options = experiment.exporting,
                        .seed = experiment.seed,
                        .task = *task,
                        .training = *training,
                        .held_out = *held_out,
                        .test = *test,
                        .preprocessing = datasets::preprocessing_of(splits.options, resolution)};
  if (is_aware)
    context.quantization_aware = load_quantization_aware(run.folder(), experiment.quantization);
  begin();
  const ExportResult result = export_network(network, context, run.folder() / kExportFolder);
  run.write("network.onnx", to_onnx(lower(network), network->description().name));
  run.write("export.json", to_json(result));
  write_pictures(run, *test, result.int8, experiment.seed);
  check_exact(result);
  const std::vector<std::string> excess = deploy::describe_excess(result.compiled.firmware);
  for (const std::string& region : excess) spdlog::error("{}", region);
  for (const std::string& limit : beyond_budget(result, experiment.budget, experiment.device)) {
    spdlog::warn("{}", limit);
  }
  return excess.empty();
}

}  // namespace

std::optional<search::SearchResult> search_run(const Experiment& experiment, RunDirectory& run,
                                               const StageControl& control) {
  require_same_data(experiment, run.folder());
  require_own_devices(experiment, control.ranks);
  const search::space::SearchSpace space = choose_training_space(experiment, run.folder()).space;
  const auto search =
      [&](search::AccuracyEstimator& accuracies, const std::string& identity,
          const std::function<void()>& finish) -> std::optional<search::SearchResult> {
    StoppableEstimator estimator(accuracies, control.should_stop);
    try {
      return run_search_stage(experiment, space, {estimator, identity, finish}, run,
                              control.resume);
    } catch (const Stopped&) {
      return std::nullopt;
    }
  };
  if (control.ranks->ranks() > 1 && !run.is_complete(kSearchStage)) {
    RankAccuracies ranks(experiment, space, run.folder(), control.ranks);
    return search(ranks, ranks.identity(), [&] { ranks.finish(); });
  }
  if (experiment.search.devices.empty()) {
    SupernetEstimator supernet(experiment, space, run.folder());
    return search(supernet, supernet.identity(), [] {});
  }
  AccuracyWorkers workers(experiment, space, run.folder(), control.accuracy_worker);
  if (!run.is_complete(kSearchStage)) workers.start();
  return search(workers, workers.identity(), [&] { workers.stop(); });
}

FinetuneResult finetune_run(const Experiment& experiment, RunDirectory& run,
                            const StageControl& control) {
  require_same_data(experiment, run.folder());
  const search::space::SearchSpace space = choose_training_space(experiment, run.folder()).space;
  return run_finetune_stage(experiment, space, chosen_subnet(experiment, space, run.folder()), run,
                            control.resume, control.should_stop, control.ranks);
}

std::optional<QuantizationAwareResult> quantization_aware_run(const Experiment& experiment,
                                                              RunDirectory& run,
                                                              const StageControl& control) {
  if (experiment.finetune.quantization_aware.epochs == 0) return std::nullopt;
  heading("Quantization-aware fine-tuning");
  require_same_data(experiment, run.folder());
  const search::space::SearchSpace space = choose_training_space(experiment, run.folder()).space;
  return run_quantization_aware_stage(experiment, space,
                                      chosen_subnet(experiment, space, run.folder()), run,
                                      control.resume, control.should_stop, control.ranks);
}

bool export_run(const Experiment& experiment, RunDirectory& run, bool resume) {
  require_same_data(experiment, run.folder());
  if (!resume || !run.is_complete(kExportStage)) require_export_programs(experiment);
  // Which takes no training.
  if (experiment.finetune.epochs == 0 && !run.is_complete(kFinetuneStage)) {
    finetune_run(experiment, run, {.resume = resume});
  }
  const auto read = [] { return true; };
  const auto work = [&](bool& fits, const Begin& begin) {
    fits = export_winner(experiment, run, begin);
    return fits;
  };
  const auto write = [](bool, double) {};
  return run_stage<bool>(run, resume,
                         {.name = kExportStage, .read = read, .work = work, .write = write});
}

std::vector<std::string> prepare_training(const Experiment& experiment, RunDirectory& run) {
  if (!(experiment.train.width && experiment.train.resolution)) {
    heading("Search space");
    const search::SpaceRanking ranking = run_space_stage(experiment, run);
    if (!ranking.is_feasible()) return search::explain_infeasible(ranking.needs, experiment.budget);
  }
  if (run.is_complete(kTrainStage)) return {};
  const search::space::SearchSpace space = choose_training_space(experiment, run.folder()).space;
  const engine::Resources smallest =
      search::SubnetOracle(experiment.oracle).measure(space, search::space::smallest(space));
  if (!engine::fits(smallest, experiment.budget)) {
    search::BudgetNeeds needs;
    needs.add(smallest, experiment.budget);
    return search::explain_infeasible(needs, experiment.budget);
  }
  try {
    deploy::require_cross_compiler();
  } catch (const Error& error) {
    spdlog::warn("Whether firmware will link is not known: {}", error.what());
    return {};
  }
  const TrialLink trial = try_to_link(experiment, space);
  for (const std::string& warning : trial.warnings) spdlog::warn("{}", warning);
  return trial.failures;
}

JobResult run_job(const Experiment& experiment, RunDirectory& run, const StageControl& control) {
  JobResult result;
  // What is not there is told before any work, not after hours of training.
  report::look_for_gnuplot();
  require_export_programs(experiment);
  datasets::class_names(dataset_of(experiment));
  check_search_devices(experiment);
  require_own_devices(experiment, control.ranks);
  result.infeasible = prepare_training(experiment, run);
  if (!result.infeasible.empty()) return result;
  heading("Supernet");
  result.train =
      run_train_stage(experiment, run, control.resume, control.should_stop, control.ranks);
  result.is_stopped = result.train->stopped;
  if (result.is_stopped) return result;
  if (!experiment.finetune.subnet) {
    heading("Search");
    result.search = search_run(experiment, run, control);
    result.is_stopped = !result.search;
    if (result.is_stopped) return result;
    result.infeasible = result.search->evolution.infeasible;
    if (!result.infeasible.empty()) return result;
  }
  heading("Fine-tuning");
  result.finetune = finetune_run(experiment, run, control);
  result.is_stopped = result.finetune->stopped;
  if (result.is_stopped) return result;
  result.quantization_aware = quantization_aware_run(experiment, run, control);
  result.is_stopped = result.quantization_aware && result.quantization_aware->stopped;
  if (result.is_stopped) return result;
  heading("Export");
  result.exported = export_run(experiment, run, control.resume);
  write_run_report(experiment, run);
  return result;
}

}  // namespace mcunet::pipeline
