#include "mcunet/supernet/subnet_evaluator.hpp"

#include <ATen/Functions.h>
#include <fmt/format.h>

#include <algorithm>

#include "mcunet/supernet/tensor_file.hpp"
#include "pixels.hpp"

namespace mcunet::supernet {
namespace {

// The loader's next batch, if there is one, with its images on a device.
std::optional<BatchTensors> next_of(datasets::Loader& loader, const datasets::InputShape& shape,
                                    const at::Device& device) {
  std::optional<datasets::Batch> batch = loader.next();
  if (!batch) return std::nullopt;
  BatchTensors tensors = to_tensors(std::move(*batch), shape, at::kCPU);
  tensors.images = tensors.images.to(device);
  return tensors;
}

std::int64_t own_values(const datasets::Dataset& evaluation,
                        const SubnetEvaluatorOptions& options) {
  return evaluation.size() / options.group->ranks() * evaluation.input_shape().elements();
}

datasets::LoaderOptions loader_options(const SubnetEvaluatorOptions& options, bool shuffle,
                                       std::int64_t examples) {
  return {.batch_size = static_cast<int>(std::min<std::int64_t>(options.batch_size, examples)),
          .workers = options.workers,
          .shuffle = shuffle,
          .drop_last = shuffle,
          .seed = options.seed};
}

// As pixels what would take too much memory as floats, and all on GPUs.
datasets::LoaderOptions evaluation_options(const SubnetEvaluatorOptions& options,
                                           const datasets::Dataset& evaluation) {
  datasets::LoaderOptions loader = loader_options(options, /*shuffle=*/false, evaluation.size());
  loader.pixels =
      !options.device.is_cpu() ||
      own_values(evaluation, options) * std::int64_t{sizeof(float)} > options.cache_bytes;
  loader.rank = options.group->rank();
  loader.ranks = loader.step_batches = options.group->ranks();
  return loader;
}

}  // namespace

SubnetEvaluator::SubnetEvaluator(const datasets::Dataset& calibration,
                                 const datasets::Dataset& evaluation,
                                 const SubnetEvaluatorOptions& options)
    : evaluation_(evaluation),
      options_(options),
      loader_(evaluation, evaluation_options(options, evaluation)) {
  datasets::LoaderOptions calibrating =
      loader_options(options, /*shuffle=*/true, calibration.size());
  calibrating.pixels = !options.device.is_cpu();
  datasets::Loader loader(calibration, calibrating);
  loader.start_epoch(0);
  while (static_cast<int>(calibration_.size()) < options.calibration_batches) {
    const std::optional<BatchTensors> batch =
        next_of(loader, calibration.input_shape(), options.device);
    if (!batch) break;
    calibration_.push_back(*batch);
  }
  const auto values = evaluation.pixel_values();
  const bool has_pixels = evaluation_options(options, evaluation).pixels && values.has_value();
  if (has_pixels) {
    pixel_values_ = at::tensor(at::ArrayRef<float>(values->data(), values->size()));
    pixel_values_ = pixel_values_.to(options.device);
  }
  const std::size_t bytes_each = has_pixels ? sizeof(std::uint8_t) : sizeof(float);
  if (own_values(evaluation, options) * static_cast<std::int64_t>(bytes_each) >
      options.cache_bytes) {
    return;
  }
  loader_.start_epoch(0);
  while (const std::optional<BatchTensors> batch =
             next_of(loader_, evaluation.input_shape(), options.device)) {
    cached_.push_back(*batch);
  }
}

// As a network of that resolution takes it.
BatchTensors SubnetEvaluator::prepared(const BatchTensors& batch, int resolution) const {
  at::Tensor images = batch.images;
  if (images.scalar_type() == at::kByte) {
    images = inputs_of_pixels(images.permute({0, 2, 3, 1}), pixel_values_, /*jitters=*/{})
                 .permute({0, 3, 1, 2});
  }
  return {at_resolution(images, resolution), batch.targets, batch.indices};
}

BatchSource SubnetEvaluator::calibration_batches(int resolution) const {
  return [this, resolution, next = std::size_t{0}]() mutable {
    return next == calibration_.size() ? std::nullopt
                                       : std::optional(prepared(calibration_[next++], resolution));
  };
}

BatchSource SubnetEvaluator::evaluation_batches(int resolution) {
  if (cached_.empty()) loader_.start_epoch(0);
  return [this, resolution, next = std::size_t{0}]() mutable {
    std::optional<BatchTensors> batch;
    if (cached_.empty()) {
      batch = next_of(loader_, evaluation_.input_shape(), options_.device);
    } else if (next < cached_.size()) {
      batch = cached_[next++];
    }
    if (batch) batch = prepared(*batch, resolution);
    return batch;
  };
}

void SubnetEvaluator::evaluate(const Supernet& supernet, const search::space::Subnet& subnet,
                               const OutputsObserver& observer) {
  FixedNetwork network = supernet->extract(subnet);
  options_.prepare(network);
  recalibrate(network);
  const BatchSource batches = evaluation_batches(subnet.resolution);
  if (options_.group->ranks() > 1) return share(network, batches, observer);
  supernet::evaluate(network, batches, options_.precision, observer);
}

// Batch b is rank b modulo their number's.
void SubnetEvaluator::share(FixedNetwork& network, const BatchSource& batches,
                            const OutputsObserver& observer) {
  ProcessGroup& group = *options_.group;
  const auto name = [](const char* of, std::int64_t batch) {
    return fmt::format("{}{}", of, batch);
  };
  TensorDictionary own;
  std::int64_t next = group.rank();
  supernet::evaluate(network, batches, options_.precision,
                     [&](const at::Tensor& outputs, const BatchTensors& batch) {
                       own.emplace(name("outputs", next), outputs);
                       own.emplace(name("targets", next), batch.targets);
                       own.emplace(name("indices", next), at::tensor(batch.indices, at::kLong));
                       next += group.ranks();
                     });
  TensorDictionary all;
  for (const std::string& bytes : group.gather(to_archive(own))) {
    all.merge(from_archive(bytes, "what a rank evaluated"));
  }
  for (std::int64_t i = 0; i < loader_.batches_per_epoch(); ++i) {
    const at::Tensor indices = all.at(name("indices", i));
    const std::int64_t* const first = indices.data_ptr<std::int64_t>();
    observer(all.at(name("outputs", i)), {.images = {},
                                          .targets = all.at(name("targets", i)),
                                          .indices = {first, first + indices.numel()}});
  }
}

void SubnetEvaluator::recalibrate(FixedNetwork& network) const {
  if (options_.calibration_batches == 0) return;
  recalibrate_batch_norm(network, calibration_batches(network->description().resolution),
                         options_.precision);
}

}  // namespace mcunet::supernet
