#include "mcunet/supernet/subnet_evaluator.hpp"

#include <ATen/Functions.h>

#include <algorithm>
#include <cstring>

#include "mcunet/supernet/tensors.hpp"

namespace mcunet::supernet {
namespace {

// The images at another resolution, in the same layout.
datasets::Batch at_resolution(datasets::Batch batch, int channels, int resolution) {
  const datasets::InputShape shape = square_shape(batch, channels);
  if (shape.height == resolution) return batch;
  const at::Tensor images = to_tensors(batch, shape, at::kCPU).images;
  const at::Tensor resized =
      at::upsample_bilinear2d(images, {resolution, resolution}, /*align_corners=*/false)
          .permute({0, 2, 3, 1})
          .contiguous();
  datasets::Batch result{.labels = std::move(batch.labels)};
  result.inputs.assign(resized.data_ptr<float>(), resized.data_ptr<float>() + resized.numel());
  return result;
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
    std::optional<datasets::Batch> batch = loader.next();
    if (!batch) break;
    calibration_.push_back(std::move(*batch));
  }
  const std::int64_t bytes =
      evaluation.size() * evaluation.input_shape().elements() * std::int64_t{sizeof(float)};
  if (bytes > options.cache_bytes) return;
  loader_.start_epoch(0);
  while (std::optional<datasets::Batch> batch = loader_.next()) {
    cached_.push_back(std::move(*batch));
  }
}

BatchSource SubnetEvaluator::calibration_batches(int resolution) const {
  const int channels = evaluation_.input_shape().channels;
  return [this, channels, resolution, next = std::size_t{0}]() mutable {
    if (next == calibration_.size()) return std::optional<datasets::Batch>();
    return std::optional(at_resolution(calibration_[next++], channels, resolution));
  };
}

BatchSource SubnetEvaluator::evaluation_batches(int resolution) {
  const int channels = evaluation_.input_shape().channels;
  if (cached_.empty()) loader_.start_epoch(0);
  return [this, channels, resolution, next = std::size_t{0}]() mutable {
    std::optional<datasets::Batch> batch;
    if (cached_.empty()) {
      batch = loader_.next();
    } else if (next < cached_.size()) {
      batch = cached_[next++];
    }
    if (batch) batch = at_resolution(std::move(*batch), channels, resolution);
    return batch;
  };
}

Accuracy SubnetEvaluator::evaluate(const Supernet& supernet, const search::space::Subnet& subnet) {
  FixedNetwork network = supernet->extract(subnet);
  recalibrate(network);
  return supernet::evaluate(network, evaluation_batches(subnet.resolution), options_.precision);
}

void SubnetEvaluator::recalibrate(FixedNetwork& network) const {
  recalibrate_batch_norm(network, calibration_batches(network->description().resolution),
                         options_.precision);
}

}  // namespace mcunet::supernet
