#include "mcunet/supernet/evaluation.hpp"

#include "mcunet/core/error.hpp"
#include "mcunet/supernet/tensors.hpp"

namespace mcunet::supernet {
namespace {

at::Tensor images_of(datasets::Batch& batch, const FixedNetwork& network, at::Tensor* labels) {
  const datasets::InputShape shape = square_shape(batch, network->description().image_channels);
  BatchTensors tensors = to_tensors(batch, shape, network->layers().classifier_weight.device());
  if (labels != nullptr) *labels = tensors.labels;
  return tensors.images;
}

}  // namespace

void recalibrate_batch_norm(FixedNetwork& network, const BatchSource& batches,
                            Precision precision) {
  const at::NoGradGuard no_grad;
  std::int64_t examples = 0;
  while (std::optional<datasets::Batch> batch = batches()) {
    examples += batch->examples();
    const double share = static_cast<double>(batch->examples()) / static_cast<double>(examples);
    network->forward(images_of(*batch, network, nullptr), {.precision = precision},
                     {.from_batch = true, .momentum = share, .biased_variance = true});
  }
  if (examples == 0) throw Error("batch-norm recalibration: there are no examples");
}

Accuracy evaluate(FixedNetwork& network, const BatchSource& batches, Precision precision) {
  const at::NoGradGuard no_grad;
  Accuracy accuracy;
  while (std::optional<datasets::Batch> batch = batches()) {
    at::Tensor labels;
    const at::Tensor images = images_of(*batch, network, &labels);
    const at::Tensor logits = network->forward(images, {.precision = precision}, NormStatistics{});
    accuracy.correct += logits.argmax(1).eq(labels).sum().item<std::int64_t>();
    accuracy.loss_sum +=
        at::cross_entropy_loss(logits, labels, {}, at::Reduction::Sum).item<double>();
    accuracy.examples += batch->examples();
  }
  return accuracy;
}

}  // namespace mcunet::supernet
