#pragma once

#include "coefficients.hpp"
#include "dense_convolution.hpp"
#include "mcunet/supernet/conv_batch_norm.hpp"

// What fused_conv_batch_norm does forwards and backwards, on a CPU and on a GPU. Tensors are channels-last.
namespace mcunet::supernet {

struct ForwardPass {
  at::Tensor hidden;  // the convolution's output, unless it became the output
  at::Tensor output;
  at::Tensor coefficients;
};

struct BackwardOperands {
  at::Tensor gradient;  // at the output of the activation
  at::Tensor input, weight, hidden, coefficients;
  std::int64_t stride = 1;
  bool depthwise = false;
  engine::Activation activation = engine::Activation::kNone;
  bool from_batch = false;
  bool wants_input = false;
  bool wants_weight = false;
};

struct BackwardPass {
  at::Tensor bn_weight, bn_bias;
  ConvolutionGradients convolution;
};

// Not written yet: what a depthwise convolution makes of the input.
at::Tensor empty_depthwise_output(const at::Tensor& input, const ConvBatchNormShape& shape);

// In 32-bit or bfloat16 floats. Results do not depend on the number of threads but for the convolutions that
// libtorch does.
namespace cpu {
bool can_take(const at::Tensor& input, const ConvBatchNormTensors& tensors,
              const ConvBatchNormShape& shape);
ForwardPass run_forward(const at::Tensor& input, const at::Tensor& residual,
                        const ConvBatchNormTensors& tensors, const ConvBatchNormShape& shape,
                        const NormStatistics& statistics, bool keep_hidden);
BackwardPass run_backward(const BackwardOperands& operands);
}  // namespace cpu

// In 32-bit or 16-bit floats; on a CPU, to test it, all in one thread.
namespace gpu {
bool can_take(const at::Tensor& input, const ConvBatchNormTensors& tensors,
              const ConvBatchNormShape& shape);
ForwardPass run_forward(const at::Tensor& input, const at::Tensor& residual,
                        const ConvBatchNormTensors& tensors, const ConvBatchNormShape& shape,
                        const NormStatistics& statistics, bool keep_hidden);
BackwardPass run_backward(const BackwardOperands& operands);
}  // namespace gpu

}  // namespace mcunet::supernet
