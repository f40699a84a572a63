#pragma once

#include <string>

#include "mcunet/supernet/conv_batch_norm.hpp"

namespace mcunet::supernet {

// Why units take libtorch's operators alone on a device, or nothing.
std::string gpu_problem(const at::Device& device);

// Whether fused_conv_batch_norm can take these: on a CPU in 32-bit or bfloat16 floats; on a GPU in those of 16 bits
// too, channels by fours, and depthwise kernels of 3, 5 or 7 columns.
bool can_fuse(const at::Tensor& input, const ConvBatchNormTensors& tensors,
              const ConvBatchNormShape& shape);

// conv_batch_norm with fewer passes over the activations than one operator after the other makes:
// statistics in one (none of its own for depthwise layers), normalization, activation and residual
// in another; backwards the same, recomputing what the activation let through. The result does not
// depend on the number of threads but for the convolutions that libtorch does.
at::Tensor fused_conv_batch_norm(const at::Tensor& input, const at::Tensor& residual,
                                 const ConvBatchNormTensors& tensors,
                                 const ConvBatchNormShape& shape, const NormStatistics& statistics);

}  // namespace mcunet::supernet
