#pragma once

#include <torch/nn/module.h>

#include "mcunet/supernet/conv_batch_norm.hpp"

// One libtorch operator after the other, as a reference for what is fused.
namespace mcunet::supernet {

inline at::Tensor stock_conv_batch_norm(const at::Tensor& input, const at::Tensor& residual,
                                        const ConvBatchNormTensors& tensors,
                                        const ConvBatchNormShape& shape,
                                        const NormStatistics& statistics) {
  at::Tensor hidden = at::conv2d(input, tensors.weight, {}, shape.stride,
                                 {tensors.weight.size(2) / 2, tensors.weight.size(3) / 2}, 1,
                                 shape.depthwise ? tensors.weight.size(0) : 1);
  hidden = at::batch_norm(hidden, tensors.bn_weight, tensors.bn_bias, tensors.running_mean,
                          tensors.running_var, statistics.from_batch,
                          statistics.momentum.value_or(shape.momentum), shape.epsilon, false);
  if (shape.activation == engine::Activation::kRelu6) hidden = at::clamp(hidden, 0, 6);
  if (shape.activation == engine::Activation::kRelu) hidden = at::clamp_min(hidden, 0);
  return residual.defined() ? hidden + residual : hidden;
}

inline double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

}  // namespace mcunet::supernet
