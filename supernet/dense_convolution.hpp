#pragma once

#include <ATen/core/Tensor.h>

namespace mcunet::supernet {

// A convolution without bias that is not depthwise, of libtorch's operators, over channels-last tensors of any
// precision, padded by half of its kernel. The weight [out, in, rows, columns] is of 32-bit floats.
at::Tensor dense_convolution(const at::Tensor& input, const at::Tensor& weight,
                             std::int64_t stride);

struct ConvolutionGradients {
  at::Tensor input, weight;  // those that are wanted; the weight's in 32-bit floats
};

ConvolutionGradients dense_convolution_gradients(const at::Tensor& gradient,
                                                 const at::Tensor& input, const at::Tensor& weight,
                                                 std::int64_t stride, bool wants_input,
                                                 bool wants_weight);

}  // namespace mcunet::supernet
