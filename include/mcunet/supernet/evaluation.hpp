#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "mcunet/supernet/supernet.hpp"
#include "mcunet/supernet/tensors.hpp"

namespace mcunet::supernet {

// Gives the next batch, on any device, or nothing at the end.
using BatchSource = std::function<std::optional<BatchTensors>()>;

// Replaces the batch-norm statistics of a network by the mean over batches of the batch mean and
// biased variance, weighted by batch size, without momentum (paper, Appendix D: 20 batches of 64).
// Throws Error if there is no batch.
void recalibrate_batch_norm(FixedNetwork& network, const BatchSource& batches,
                            Precision precision = Precision::kFloat32);

// Sees the outputs for each batch, 32-bit floats on the CPU, and the batch without its images.
using OutputsObserver = std::function<void(const at::Tensor& outputs, const BatchTensors& batch)>;

// Shows the observer what a network tells of all batches, with the running statistics; the network's
// mode is left as it is.
void evaluate(FixedNetwork& network, const BatchSource& batches, Precision precision,
              const OutputsObserver& observer);

}  // namespace mcunet::supernet
