#include "mcunet/supernet/conv_batch_norm.hpp"

#include <spdlog/spdlog.h>

#include <mutex>

#include "fused_conv_batch_norm.hpp"
#include "mcunet/core/error.hpp"
#include "torch_compat.hpp"

namespace mcunet::supernet {
namespace {

using engine::Activation;

// Differentiable ATen operators, for any device and precision.
at::Tensor composite_batch_norm(const at::Tensor& hidden, const ConvBatchNormTensors& tensors,
                                const ConvBatchNormShape& shape, const NormStatistics& statistics) {
  double momentum = statistics.momentum.value_or(shape.momentum);
  if (statistics.from_batch && statistics.biased_variance) {
    // ATen moves towards the unbiased variance, so the statistics are moved here.
    const auto variance_and_mean = at::var_mean(hidden.detach().to(at::kFloat), {0, 2, 3}, false);
    tensors.running_var.lerp_(std::get<0>(variance_and_mean), momentum);
    tensors.running_mean.lerp_(std::get<1>(variance_and_mean), momentum);
    momentum = 0;
  }
  const bool untouched = statistics.from_batch && momentum == 0;
  const at::Tensor none;
  return at::batch_norm(hidden, tensors.bn_weight, tensors.bn_bias,
                        untouched ? none : tensors.running_mean,
                        untouched ? none : tensors.running_var, statistics.from_batch, momentum,
                        shape.epsilon, /*cudnn_enabled=*/true);
}

// Once, of the first.
void warn_of(const ConvBatchNormShape& shape) {
  static std::once_flag warned;
  std::call_once(warned, [&] {
    spdlog::warn(
        "A unit of {} channels, {} kernels of {} columns and stride {} takes libtorch's operators on the GPU, which are "
        "slower: the own ones are for multiples of 4 channels, and depthwise kernels of 3, 5 or 7 columns with strides of "
        "1 or 2",
        shape.out_channels, shape.depthwise ? "depthwise" : "dense", shape.kernel, shape.stride);
  });
}

at::Tensor activate(const at::Tensor& hidden, Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return hidden;
    case Activation::kRelu:
      return at::clamp_min(hidden, 0);
    case Activation::kRelu6:
      return at::clamp(hidden, 0, 6);
    case Activation::kReluN1To1:
      return at::clamp(hidden, -1, 1);
  }
  throw Error("unknown activation {}", static_cast<int>(activation));
}

}  // namespace

at::Tensor conv_batch_norm(const at::Tensor& input, const at::Tensor& residual,
                           const ConvBatchNormTensors& tensors, const ConvBatchNormShape& shape,
                           const NormStatistics& statistics) {
  // Also draws in the object file that limits oneDNN at the start of the program.
  [[maybe_unused]] static const bool limited = is_onednn_limited();
  if (can_fuse(input, tensors, shape)) {
    return fused_conv_batch_norm(input, residual, tensors, shape, statistics);
  }
  if (input.is_cuda() && gpu_problem(input.device()).empty()) warn_of(shape);
  const std::int64_t groups = shape.depthwise ? tensors.weight.size(0) : 1;
  at::Tensor hidden =
      at::conv2d(input, tensors.weight.to(input.scalar_type()), {}, shape.stride,
                 {shape.kernel_rows() / 2, shape.kernel / 2}, /*dilation=*/1, groups);
  hidden = composite_batch_norm(hidden, tensors, shape, statistics);
  hidden = activate(hidden, shape.activation);
  return residual.defined() ? hidden + residual : hidden;
}

ConvBatchNormImpl::ConvBatchNormImpl(const ConvBatchNormShape& shape) : shape_(shape) {
  const std::int64_t channels = shape.out_channels;
  const std::int64_t inputs = shape.depthwise ? 1 : shape.in_channels;
  weight = register_parameter("weight",
                              at::zeros({channels, inputs, shape.kernel_rows(), shape.kernel}));
  bn_weight = register_parameter("bn_weight", at::ones({channels}));
  bn_bias = register_parameter("bn_bias", at::zeros({channels}));
  running_mean = register_buffer("running_mean", at::zeros({channels}));
  running_var = register_buffer("running_var", at::ones({channels}));
}

}  // namespace mcunet::supernet
