#include "mcunet/supernet/subnet_evaluator.hpp"

#include <ATen/Functions.h>

#include <algorithm>

namespace mcunet::supernet {
namespace {

BatchTensors at_resolution(const BatchTensors& batch, int resolution) {
  return {supernet::at_resolution(batch.images, resolution), batch.targets, batch.indices};
}

// The loader's next batch, if there is one.
std::optional<BatchTensors> next_of(datasets::Loader& loader, const datasets::InputShape& shape) {
  std::optional<datasets::Batch> batch = loader.next();
  if (!batch) return std::nullopt;
  return to_tensors(std::move(*batch), shape, at::kCPU);
}

datasets::LoaderOptions loader_options(const SubnetEvaluatorOptions& options, bool shuffle,
                                       std::int64_t examples) {
  return {.batch_size = static_cast<int>(std::min<std::int64_t>(options.batch_size, examples)),
          .workers = options.workers,
          .shuffle = shuffle,
          .drop_last = shuffle,
          .seed = options.seed};
}

}  // namespace

SubnetEvaluator::SubnetEvaluator(const datasets::Dataset& calibration,
                                 const datasets::Dataset& evaluation,
                                 const SubnetEvaluatorOptions& options)
    : evaluation_(evaluation),
      options_(options),
      loader_(evaluation, loader_options(options, /*shuffle=*/false, evaluation.size())) {
  datasets::Loader loader(calibration,
                          loader_options(options, /*shuffle=*/true, calibration.size()));
  loader.start_epoch(0);
  while (static_cast<int>(calibration_.size()) < options.calibration_batches) {
    const std::optional<BatchTensors> batch = next_of(loader, calibration.input_shape());
    if (!batch) break;
    calibration_.push_back(*batch);
  }
  const std::int64_t bytes =
      evaluation.size() * evaluation.input_shape().elements() * std::int64_t{sizeof(float)};
  if (bytes > options.cache_bytes) return;
  loader_.start_epoch(0);
  while (const std::optional<BatchTensors> batch = next_of(loader_, evaluation.input_shape())) {
    cached_.push_back(*batch);
  }
}

BatchSource SubnetEvaluator::calibration_batches(int resolution) const {
  return [this, resolution, next = std::size_t{0}]() mutable {
    return next == calibration_.size()
               ? std::nullopt
               : std::optional(at_resolution(calibration_[next++], resolution));
  };
}

BatchSource SubnetEvaluator::evaluation_batches(int resolution) {
  if (cached_.empty()) loader_.start_epoch(0);
  return [this, resolution, next = std::size_t{0}]() mutable {
    std::optional<BatchTensors> batch;
    if (cached_.empty()) {
      batch = next_of(loader_, evaluation_.input_shape());
    } else if (next < cached_.size()) {
      batch = cached_[next++];
    }
    if (batch) batch = at_resolution(*batch, resolution);
    return batch;
  };
}

void SubnetEvaluator::evaluate(const Supernet& supernet, const search::space::Subnet& subnet,
                               const OutputsObserver& observer) {
  FixedNetwork network = supernet->extract(subnet);
  options_.prepare(network);
  recalibrate(network);
  supernet::evaluate(network, evaluation_batches(subnet.resolution), options_.precision, observer);
}

void SubnetEvaluator::recalibrate(FixedNetwork& network) const {
  recalibrate_batch_norm(network, calibration_batches(network->description().resolution),
                         options_.precision);
}

}  // namespace mcunet::supernet
