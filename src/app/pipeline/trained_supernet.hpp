#pragma once

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>

#include "experiment.hpp"
#include "mcunet/datasets/open_dataset.hpp"
#include "mcunet/search/accuracy_estimator.hpp"
#include "mcunet/supernet/subnet_evaluator.hpp"
#include "mcunet/supernet/supernet.hpp"
#include "task.hpp"

// What the stages after the training share: the weights, the data, and accuracies of sub-networks.
namespace mcunet::pipeline {

// Of the space's images.
int largest_resolution(const search::space::SearchSpace& space);

// Throws Error if the experiment has none.
const datasets::DatasetOptions& dataset_of(const Experiment& experiment);

// Of libtorch; options.threads, or one per core, which the ranks of a machine share.
int thread_count(const supernet::TrainerOptions& options);
void use_threads(const supernet::TrainerOptions& options);

// The dataset at the resolution of a space, split by split.
struct Splits {
  const datasets::DatasetOptions& options;
  int resolution;

  std::unique_ptr<datasets::Dataset> open(datasets::Split split, bool augment = false) const {
    return datasets::open_dataset(options, split, resolution, augment);
  }
};

supernet::SubnetEvaluatorOptions evaluator_options(const Experiment& experiment);

// The same for evaluations that all ranks of a group take part in.
supernet::SubnetEvaluatorOptions evaluator_options(const Experiment& experiment,
                                                   std::shared_ptr<supernet::ProcessGroup> group);

// The same to compare sub-networks by: where the bits of their weights are a choice of the space, with
// weights that are rounded at these.
supernet::SubnetEvaluatorOptions comparing_options(const Experiment& experiment,
                                                   const search::space::SearchSpace& space);

// The weights that the train stage left in a run, on the device of the experiment. Throws Error if
// there are none.
supernet::Supernet load_supernet(const Experiment& experiment,
                                 const search::space::SearchSpace& space,
                                 const std::filesystem::path& run);

// Changes with the weights and with what else the accuracies depend on. Throws Error if the run has
// no trained supernet.
std::string accuracy_identity(const Experiment& experiment, const search::space::SearchSpace& space,
                              const std::filesystem::path& run);

// What a sub-network tells of the evaluator's examples, which are those of `data`; and, if asked for,
// its mean loss.
Assessment assess(const Task& task, supernet::SubnetEvaluator& evaluator,
                  const supernet::Supernet& supernet, const search::space::Subnet& subnet,
                  const datasets::Dataset& data, double* loss = nullptr);

// Logs it of "The network".
void warn_of_defect(const Assessment& assessment, const std::string& network);

// Scores for the search: those of a trained supernet on the search split, each sub-network with
// recalibrated statistics (paper, Appendix D), by comparing_options().
class SupernetEstimator : public search::AccuracyEstimator {
 public:
  SupernetEstimator(const Experiment& experiment, const search::space::SearchSpace& space,
                    const std::filesystem::path& run);

  double estimate(const search::space::Subnet& subnet) override;

  void estimate_each(std::span<const search::space::Subnet> subnets,
                     const Arrival& arrived) override;

  // Those that it takes until nothing is left to take. On a CPU it measures as many at once as there are threads,
  // each by one of them, so that no operator waits for threads; take() is then called by all.
  using Take = std::function<std::optional<std::size_t>()>;
  void estimate_taken(std::span<const search::space::Subnet> subnets, const Take& take,
                      const Arrival& arrived);

  const std::string& identity() const { return identity_; }

 private:
  std::shared_ptr<const Task> task_;
  supernet::Supernet network_;
  std::unique_ptr<datasets::Dataset> calibration_;
  std::unique_ptr<datasets::Dataset> held_out_;
  supernet::SubnetEvaluator evaluator_;
  std::string identity_;
};

}  // namespace mcunet::pipeline
