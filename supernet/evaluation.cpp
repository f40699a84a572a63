#include "mcunet/supernet/evaluation.hpp"

#include "mcunet/core/error.hpp"

namespace mcunet::supernet {
namespace {

at::Device device_of(const FixedNetwork& network) {
  return network->layers().classifier_weight.device();
}

}  // namespace

void recalibrate_batch_norm(FixedNetwork& network, const BatchSource& batches,
                            Precision precision) {
  const at::NoGradGuard no_grad;
  std::int64_t examples = 0;
  while (const std::optional<BatchTensors> batch = batches()) {
    const std::int64_t count = batch->images.size(0);
    examples += count;
    const double share = static_cast<double>(count) / static_cast<double>(examples);
    network->forward(batch->images.to(device_of(network)), {.precision = precision},
                     {.from_batch = true, .momentum = share, .biased_variance = true});
  }
  if (examples == 0) throw Error("batch-norm recalibration: there are no examples");
}

Accuracy evaluate(FixedNetwork& network, const BatchSource& batches, Precision precision,
                  const LogitsObserver& observer) {
  const at::NoGradGuard no_grad;
  Accuracy accuracy;
  while (const std::optional<BatchTensors> batch = batches()) {
    const at::Tensor labels = batch->targets.to(device_of(network));
    const at::Tensor logits = network->forward(batch->images.to(device_of(network)),
                                               {.precision = precision}, NormStatistics{});
    accuracy.correct += logits.argmax(1).eq(labels).sum().item<std::int64_t>();
    accuracy.loss_sum +=
        at::cross_entropy_loss(logits, labels, {}, at::Reduction::Sum).item<double>();
    accuracy.examples += labels.size(0);
    if (observer) observer(logits.to(at::kCPU, at::kFloat).contiguous(), *batch);
  }
  return accuracy;
}

}  // namespace mcunet::supernet
