#include "trained_supernet.hpp"

#include <ATen/Parallel.h>

#include <thread>

#include "mcunet/core/crc32c.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/supernet/device.hpp"
#include "mcunet/supernet/module_weights.hpp"
#include "mcunet/supernet/tensor_file.hpp"
#include "mcunet/supernet/trainer.hpp"
#include "train_stage.hpp"

namespace mcunet::pipeline {

using datasets::Split;
using search::space::SearchSpace;

int largest_resolution(const SearchSpace& space) {
  return *std::max_element(space.resolutions.begin(), space.resolutions.end());
}

const datasets::DatasetOptions& dataset_of(const Experiment& experiment) {
  if (!experiment.dataset) throw Error("training needs the section dataset in the experiment");
  return *experiment.dataset;
}

void use_threads(const supernet::TrainerOptions& options) {
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  at::set_num_threads(options.threads > 0 ? options.threads : cores);
}

supernet::SubnetEvaluatorOptions evaluator_options(const Experiment& experiment) {
  const supernet::TrainerOptions& trainer = experiment.train.trainer;
  return {.calibration_batches = experiment.train.calibration_batches,
          .workers = trainer.data_workers,
          .seed = experiment.seed,
          .precision =
              trainer.bfloat16 ? supernet::Precision::kBfloat16 : supernet::Precision::kFloat32};
}

supernet::Supernet load_supernet(const Experiment& experiment, const SearchSpace& space,
                                 const std::filesystem::path& run) {
  const std::filesystem::path weights = run / kWeightsFile;
  if (!std::filesystem::exists(weights)) {
    throw Error("{}: holds no trained supernet: {} is not there", run.string(), kWeightsFile);
  }
  const bool has_transforms = experiment.train.trainer.learned_kernel_transforms;
  supernet::Supernet network(
      space, supernet::SupernetOptions{.learned_kernel_transforms = has_transforms});
  supernet::load_weights(*network, supernet::read_tensor_file(weights), weights.string());
  network->to(supernet::select_device(experiment.train.trainer.device));
  return network;
}

SupernetEstimator::SupernetEstimator(const Experiment& experiment, const SearchSpace& space,
                                     const std::filesystem::path& run)
    : network_(load_supernet(experiment, space, run)),
      calibration_(Splits{dataset_of(experiment), largest_resolution(space)}.open(Split::kTrain)),
      held_out_(Splits{dataset_of(experiment), largest_resolution(space)}.open(Split::kSearch)),
      evaluator_(*calibration_, *held_out_, evaluator_options(experiment)),
      identity_(fmt::format("{} {:08x}, {} batches for its statistics, {} examples", kWeightsFile,
                            crc32c(read_file(run / kWeightsFile)),
                            experiment.train.calibration_batches, held_out_->size())) {
  use_threads(experiment.train.trainer);
}

std::vector<double> SupernetEstimator::estimate(std::span<const search::space::Subnet> subnets) {
  std::vector<double> accuracies;
  for (const search::space::Subnet& subnet : subnets) {
    accuracies.push_back(evaluator_.evaluate(network_, subnet).top1());
  }
  return accuracies;
}

}  // namespace mcunet::pipeline
