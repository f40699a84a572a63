#include "mcunet/supernet/evaluation.hpp"

#include "mcunet/core/error.hpp"

namespace mcunet::supernet {
namespace {

at::Device device_of(const FixedNetwork& network) { return network->layers().head_weight.device(); }

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

void evaluate(FixedNetwork& network, const BatchSource& batches, Precision precision,
              const OutputsObserver& observer) {
  const at::NoGradGuard no_grad;
  // Read when all is computed: a GPU would have nothing to do meanwhile.
  std::vector<std::pair<at::Tensor, BatchTensors>> all;
  while (std::optional<BatchTensors> batch = batches()) {
    all.emplace_back(network->forward(batch->images.to(device_of(network)),
                                      {.precision = precision}, NormStatistics{}),
                     BatchTensors{{}, batch->targets, std::move(batch->indices)});
  }
  for (const auto& [outputs, batch] : all) {
    observer(outputs.to(at::kCPU, at::kFloat).contiguous(), batch);
  }
}

}  // namespace mcunet::supernet
