#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <optional>

#include "mcunet/search/space/network.hpp"
#include "mcunet/supernet/precision.hpp"

// A convolution without bias, batch normalization and an activation: the unit that all networks
// here are made of, and the one that is folded and quantized as a whole.
namespace mcunet::supernet {

struct ConvBatchNormShape {
  std::int64_t in_channels = 0;
  std::int64_t out_channels = 0;
  search::space::Form form = search::space::Form::kSquare;
  std::int64_t kernel = 1;  // columns, and rows of a square; padded by half of it at each end
  std::int64_t stride = 1;
  bool depthwise = false;  // then in_channels = out_channels
  engine::Activation activation = engine::Activation::kRelu6;
  double epsilon = 1e-5;
  double momentum = 0.1;

  std::int64_t kernel_rows() const { return form == search::space::Form::kLine ? 1 : kernel; }
};

// Where batch normalization takes its statistics from.
struct NormStatistics {
  bool from_batch = false;  // else the running ones
  // With from_batch, the running statistics move towards the batch's by this share; absent: by the
  // unit's momentum. With 0 they are not touched, so that several threads may share them.
  std::optional<double> momentum;
  // Move towards the variance divided by n instead of n - 1.
  bool biased_variance = false;
};

// What a unit computes with: its own tensors, or slices of them.
struct ConvBatchNormTensors {
  at::Tensor weight;  // [out, in, kernel rows, kernel], depthwise [out, 1, kernel rows, kernel]
  at::Tensor bn_weight, bn_bias, running_mean, running_var;  // [out]
};

// activation(batch_norm(convolution(input))) + residual, if there is one. input is
// [n, in, height, width]; the output has its precision and, unless libtorch's operators
// made it one after the other, is channels-last.
at::Tensor conv_batch_norm(const at::Tensor& input, const at::Tensor& residual,
                           const ConvBatchNormTensors& tensors, const ConvBatchNormShape& shape,
                           const NormStatistics& statistics);

class ConvBatchNormImpl : public torch::nn::Module {
 public:
  explicit ConvBatchNormImpl(const ConvBatchNormShape& shape);

  const ConvBatchNormShape& shape() const { return shape_; }

  // The parameters and buffers, by the names they are registered under.
  ConvBatchNormTensors tensors() const {
    return {weight, bn_weight, bn_bias, running_mean, running_var};
  }

  at::Tensor weight, bn_weight, bn_bias;  // parameters
  at::Tensor running_mean, running_var;   // buffers

 private:
  ConvBatchNormShape shape_;
};
TORCH_MODULE(ConvBatchNorm);

}  // namespace mcunet::supernet
