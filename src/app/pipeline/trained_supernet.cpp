#include "trained_supernet.hpp"

#include <ATen/Parallel.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "mcunet/core/crc32c.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/rank_place.hpp"
#include "mcunet/search/subnet_oracle.hpp"
#include "mcunet/supernet/device.hpp"
#include "mcunet/supernet/module_weights.hpp"
#include "mcunet/supernet/shared_machine.hpp"
#include "mcunet/supernet/side_by_side.hpp"
#include "mcunet/supernet/tensor_file.hpp"
#include "mcunet/supernet/trainer.hpp"
#include "quantization.hpp"
#include "rounded_weights.hpp"
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

int thread_count(const supernet::TrainerOptions& options) {
  if (options.threads > 0) return options.threads;
  return std::max(1,
                  static_cast<int>(std::thread::hardware_concurrency()) / rank_place().local_ranks);
}

void use_threads(const supernet::TrainerOptions& options) {
  const int threads = thread_count(options);
  at::set_num_threads(threads);
  // Of the process, from its first use of threads on.
  static const supernet::SharedMachineWatch watch(threads);
}

supernet::SubnetEvaluatorOptions evaluator_options(const Experiment& experiment) {
  const supernet::TrainerOptions& trainer = experiment.train.trainer;
  const at::Device device = supernet::select_device(trainer.device);
  // A CPU has no operators for 16-bit floats of the other kind.
  const bool lacks_it = device.is_cpu() && trainer.precision == supernet::Precision::kFloat16;
  return {.calibration_batches = experiment.train.calibration_batches,
          .workers = trainer.data_workers,
          .seed = experiment.seed,
          .precision = lacks_it ? supernet::Precision::kFloat32 : trainer.precision,
          .device = device};
}

supernet::SubnetEvaluatorOptions evaluator_options(const Experiment& experiment,
                                                   std::shared_ptr<supernet::ProcessGroup> group) {
  supernet::SubnetEvaluatorOptions options = evaluator_options(experiment);
  options.group = std::move(group);
  return options;
}

supernet::SubnetEvaluatorOptions comparing_options(const Experiment& experiment,
                                                   const SearchSpace& space) {
  supernet::SubnetEvaluatorOptions options = evaluator_options(experiment);
  if (!space.has_elastic_weight_bits()) return options;
  options.prepare = [oracle = experiment.oracle](supernet::FixedNetwork& network) {
    round_weights(search::lower_for(oracle, network->description()), network);
  };
  return options;
}

namespace {

std::filesystem::path weights_of(const std::filesystem::path& run) {
  const std::filesystem::path weights = run / kWeightsFile;
  if (std::filesystem::exists(weights)) return weights;
  throw Error("{}: holds no trained supernet: {} is not there", run.string(), kWeightsFile);
}

// That of the layers which the space leaves to the job.
std::string describe_rounding(const Experiment& experiment, const SearchSpace& space) {
  if (!space.has_elastic_weight_bits()) return "";
  return fmt::format(", weights rounded to the bits of their block, others to {}{}",
                     experiment.oracle.widths.weights,
                     experiment.oracle.keep_first_last ? " but for the first and the last" : "");
}

std::string identity_of(const Experiment& experiment, const SearchSpace& space,
                        const std::filesystem::path& run, std::int64_t held_out_examples) {
  return fmt::format("{} {:08x}, {} batches for its statistics, {} examples{}", kWeightsFile,
                     crc32c(read_file(weights_of(run))), experiment.train.calibration_batches,
                     held_out_examples, describe_rounding(experiment, space));
}

}  // namespace

supernet::Supernet load_supernet(const Experiment& experiment, const SearchSpace& space,
                                 const std::filesystem::path& run) {
  const std::filesystem::path weights = weights_of(run);
  const bool has_transforms = experiment.train.trainer.learned_kernel_transforms;
  supernet::Supernet network(
      space, supernet::SupernetOptions{.learned_kernel_transforms = has_transforms});
  try {
    supernet::load_weights(*network, supernet::read_tensor_file(weights), weights.string());
  } catch (const Error& error) {
    throw Error("{}; {}", error.what(), kHowToRestore);
  }
  network->to(supernet::select_device(experiment.train.trainer.device));
  return network;
}

std::string accuracy_identity(const Experiment& experiment, const SearchSpace& space,
                              const std::filesystem::path& run) {
  weights_of(run);
  const Splits splits{dataset_of(experiment), largest_resolution(space)};
  return identity_of(experiment, space, run, splits.open(Split::kSearch)->size());
}

Assessment assess(const Task& task, supernet::SubnetEvaluator& evaluator,
                  const supernet::Supernet& supernet, const search::space::Subnet& subnet,
                  const datasets::Dataset& data, double* loss) {
  const auto objective = task.objective({}, data);
  std::vector<Answer> answers;
  double loss_sum = 0;
  evaluator.evaluate(supernet, subnet,
                     [&](const at::Tensor& outputs, const supernet::BatchTensors& batch) {
                       append_answers(task, outputs, batch.indices, data, answers);
                       if (loss == nullptr) return;
                       loss_sum += objective->loss(outputs, batch.targets.cpu()).item<double>() *
                                   static_cast<double>(outputs.size(0));
                     });
  if (loss != nullptr) *loss = loss_sum / static_cast<double>(answers.size());
  return task.assess(answers, data, data.size());
}

void warn_of_defect(const Assessment& assessment, const std::string& network) {
  const std::string text = describe_defect(assessment);
  if (!text.empty()) spdlog::warn("{} {}", network, text);
}

SupernetEstimator::SupernetEstimator(const Experiment& experiment, const SearchSpace& space,
                                     const std::filesystem::path& run)
    : task_(task_of(experiment)),
      network_(load_supernet(experiment, space, run)),
      calibration_(Splits{dataset_of(experiment), largest_resolution(space)}.open(Split::kTrain)),
      held_out_(Splits{dataset_of(experiment), largest_resolution(space)}.open(Split::kSearch)),
      evaluator_(*calibration_, *held_out_, comparing_options(experiment, space)),
      identity_(identity_of(experiment, space, run, held_out_->size())) {
  use_threads(experiment.train.trainer);
}

double SupernetEstimator::estimate(const search::space::Subnet& subnet) {
  return score_of(assess(*task_, evaluator_, network_, subnet, *held_out_)).value;
}

void SupernetEstimator::estimate_each(std::span<const search::space::Subnet> subnets,
                                      const Arrival& arrived) {
  std::atomic<std::size_t> next = 0;
  const auto take = [&]() -> std::optional<std::size_t> {
    const std::size_t index = next++;
    if (index >= subnets.size()) return std::nullopt;
    return index;
  };
  estimate_taken(subnets, take, arrived);
}

void SupernetEstimator::estimate_taken(std::span<const search::space::Subnet> subnets,
                                       const Take& take, const Arrival& arrived) {
  std::mutex mutex;
  std::atomic<bool> has_failed = false;
  const auto work = [&](std::size_t) {
    try {
      while (!has_failed) {
        const std::optional<std::size_t> index = take();
        if (!index) return;
        const double accuracy = estimate(subnets[*index]);
        const std::lock_guard lock(mutex);
        arrived(*index, accuracy);
      }
    } catch (...) {
      has_failed = true;  // for the other lanes
      throw;
    }
  };
  const bool is_on_cpu = network_->layers().head_weight.device().is_cpu();
  // As many lanes as threads, however few sub-networks there are: what two threads compute of one together
  // differs in its last bits.
  const int lanes = is_on_cpu && evaluator_.is_shareable() ? at::get_num_threads() : 1;
  supernet::side_by_side(static_cast<std::size_t>(lanes), work);
}

}  // namespace mcunet::pipeline
