#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "mcunet/supernet/supernet.hpp"
#include "mcunet/supernet/tensors.hpp"

namespace mcunet::supernet {

// Gives the next batch, on any device, or nothing at the end.
using BatchSource = std::function<std::optional<BatchTensors>()>;

struct Accuracy {
  std::int64_t correct = 0;
  std::int64_t examples = 0;
  double loss_sum = 0;  // cross-entropy

  double top1() const {
    return examples == 0 ? 0 : static_cast<double>(correct) / static_cast<double>(examples);
  }
};

// Replaces the batch-norm statistics of a network by the mean over batches of the batch mean and
// biased variance, weighted by batch size, without momentum (paper, Appendix D: 20 batches of 64).
// Throws Error if there is no batch.
void recalibrate_batch_norm(FixedNetwork& network, const BatchSource& batches,
                            Precision precision = Precision::kFloat32);

// Sees the logits [n, classes] of each batch, 32-bit floats on the CPU.
using LogitsObserver = std::function<void(const at::Tensor& logits, const BatchTensors& batch)>;

// Top-1 over all batches, with the running statistics; the network's mode is left as it is.
Accuracy evaluate(FixedNetwork& network, const BatchSource& batches,
                  Precision precision = Precision::kFloat32, const LogitsObserver& observer = {});

}  // namespace mcunet::supernet
