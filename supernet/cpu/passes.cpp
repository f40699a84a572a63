#include "passes.hpp"

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "activation_clamp.hpp"
#include "cpu/kernels.hpp"
#include "dense_convolution.hpp"

#ifndef INTRA_OP_PARALLEL
#error "compile with OpenMP: at::parallel_for would run on one thread"
#endif

namespace mcunet::supernet::cpu {
namespace {

using engine::Activation;

// Work is cut into this many parts whatever the number of threads, so that sums do not depend on
// it.
constexpr std::int64_t kParts = 16;

// Channels-last data as the kernels see it.
struct Pixels {
  std::int64_t rows = 0;
  std::int64_t channels = 0;

  explicit Pixels(const at::Tensor& tensor)
      : rows(tensor.size(0) * tensor.size(2) * tensor.size(3)), channels(tensor.size(1)) {}
};

template <typename T>
T* data_of(const at::Tensor& tensor) {
  return static_cast<T*>(tensor.data_ptr());
}

// Calls run(T{}) with the kernels' type of the tensor's elements.
template <typename Run>
void with_element_type(const at::Tensor& tensor, Run run) {
  if (tensor.scalar_type() == at::kBFloat16) {
    run(Bfloat16{});
  } else {
    run(float{});
  }
}

// Calls run(part, first row, rows) for each part, in parallel.
template <typename Run>
void for_each_part(const Pixels& pixels, Run run) {
  const std::int64_t group = row_group(pixels.channels);
  const std::int64_t per_part = (pixels.rows / kParts / group + 1) * group;
  at::parallel_for(0, kParts, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t part = begin; part < end; ++part) {
      const std::int64_t first = std::min(part * per_part, pixels.rows);
      const std::int64_t rows = std::min(per_part, pixels.rows - first);
      if (rows > 0) run(part, first, rows);
    }
  });
}

// Two sums per channel, kept apart for each part and then added in their order.
class ChannelSums {
 public:
  explicit ChannelSums(std::int64_t channels)
      : channels_(channels), parts_(static_cast<std::size_t>(2 * kParts * channels)) {}

  double* first(std::int64_t part) { return parts_.data() + 2 * part * channels_; }
  double* second(std::int64_t part) { return first(part) + channels_; }

  // [2 * channels]: all first sums, then all second ones.
  std::vector<double> total() const {
    std::vector<double> sums(static_cast<std::size_t>(2 * channels_));
    for (std::size_t i = 0; i < parts_.size(); ++i) sums[i % sums.size()] += parts_[i];
    return sums;
  }

 private:
  std::int64_t channels_;
  std::vector<double> parts_;
};

// The rows of a unit's coefficients.
struct NormCoefficients {
  at::Tensor rows;
  float* row(Coefficient index) const { return rows.data_ptr<float>() + index * rows.size(1); }
};

NormCoefficients make_coefficients(const ConvBatchNormTensors& tensors, const double* mean,
                                   const double* variance, double epsilon) {
  const std::int64_t channels = tensors.bn_weight.size(0);
  NormCoefficients norm{at::empty({kCoefficients, channels}, at::kFloat)};
  const float* weight = tensors.bn_weight.data_ptr<float>();
  const float* bias = tensors.bn_bias.data_ptr<float>();
  for (std::int64_t c = 0; c < channels; ++c) {
    const double inverse = 1 / std::sqrt(variance[c] + epsilon);
    const double scale = static_cast<double>(weight[c]) * inverse;
    norm.row(kScale)[c] = static_cast<float>(scale);
    norm.row(kShift)[c] = static_cast<float>(static_cast<double>(bias[c]) - mean[c] * scale);
    norm.row(kMean)[c] = static_cast<float>(mean[c]);
    norm.row(kInverseDeviation)[c] = static_cast<float>(inverse);
  }
  return norm;
}

NormCoefficients coefficients_of_running(const ConvBatchNormTensors& tensors, double epsilon) {
  const std::int64_t channels = tensors.bn_weight.size(0);
  const float* means = tensors.running_mean.data_ptr<float>();
  const float* variances = tensors.running_var.data_ptr<float>();
  const std::vector<double> mean(means, means + channels);
  const std::vector<double> variance(variances, variances + channels);
  return make_coefficients(tensors, mean.data(), variance.data(), epsilon);
}

// From the sums of the values and their squares; moves the running statistics.
NormCoefficients coefficients_of_batch(const ConvBatchNormTensors& tensors,
                                       const ConvBatchNormShape& shape,
                                       const NormStatistics& statistics, std::vector<double> sums,
                                       std::int64_t rows) {
  const std::int64_t channels = tensors.bn_weight.size(0);
  const auto count = static_cast<double>(rows);
  const double momentum = statistics.momentum.value_or(shape.momentum);
  const double correction = statistics.biased_variance || rows < 2 ? 1 : count / (count - 1);
  float* running_mean = tensors.running_mean.data_ptr<float>();
  float* running_var = tensors.running_var.data_ptr<float>();
  const auto move = [momentum](float& running, double value) {
    running = static_cast<float>((1 - momentum) * static_cast<double>(running) + momentum * value);
  };
  for (std::int64_t c = 0; c < channels; ++c) {
    const double mean = sums[c] / count;
    const double variance = std::max(0.0, sums[channels + c] / count - mean * mean);
    sums[c] = mean;
    sums[channels + c] = variance;
    if (momentum == 0) continue;
    move(running_mean[c], mean);
    move(running_var[c], variance * correction);
  }
  return make_coefficients(tensors, sums.data(), sums.data() + channels, shape.epsilon);
}

DepthwiseShape depthwise_shape(const at::Tensor& input, const at::Tensor& output,
                               const at::Tensor& weight, std::int64_t stride) {
  return {.channels = input.size(1),
          .height = input.size(2),
          .width = input.size(3),
          .output_height = output.size(2),
          .output_width = output.size(3),
          .kernel_rows = weight.size(2),
          .kernel = weight.size(3),
          .stride = stride,
          .channel_step = weight.stride(0),
          .row_step = weight.stride(2),
          .column_step = weight.stride(3)};
}

// Calls run(part, image, first channel, scratch) for each image and vector of channels, in
// parallel; a part is the same images in all channels.
template <typename Run>
void for_each_channel_block(const DepthwiseShape& shape, std::int64_t images, Run run) {
  const std::int64_t blocks = (shape.channels + kVectorWidth - 1) / kVectorWidth;
  const std::int64_t parts = std::min(images, kParts);
  at::parallel_for(0, parts * blocks, 1, [&](std::int64_t begin, std::int64_t end) {
    const auto scratch =
        std::make_unique_for_overwrite<float[]>(static_cast<std::size_t>(depthwise_scratch(shape)));
    for (std::int64_t job = begin; job < end; ++job) {
      const std::int64_t part = job / blocks;
      const std::int64_t first_channel = job % blocks * kVectorWidth;
      for (std::int64_t i = images * part / parts; i < images * (part + 1) / parts; ++i) {
        run(part, i, first_channel, scratch.get());
      }
    }
  });
}

// The convolution and, if wanted, the sums of its output and of its squares.
at::Tensor depthwise_forward(const at::Tensor& input, const at::Tensor& weight,
                             const ConvBatchNormShape& unit, ChannelSums* sums) {
  const at::Tensor output = empty_depthwise_output(input, unit);
  const DepthwiseShape shape = depthwise_shape(input, output, weight, unit.stride);
  with_element_type(input, [&]<typename T>(T) {
    for_each_channel_block(
        shape, input.size(0),
        [&](std::int64_t part, std::int64_t image, std::int64_t channel, float* scratch) {
          kernels<T>().depthwise(
              shape, channel, data_of<T>(input) + image * input.stride(0), weight.data_ptr<float>(),
              data_of<T>(output) + image * output.stride(0), sums ? sums->first(part) : nullptr,
              sums ? sums->second(part) : nullptr, scratch);
        });
  });
  return output;
}

void add_moments(const at::Tensor& output, ChannelSums& sums) {
  const Pixels pixels(output);
  with_element_type(output, [&]<typename T>(T) {
    for_each_part(pixels, [&](std::int64_t part, std::int64_t first, std::int64_t rows) {
      kernels<T>().add_moments(data_of<T>(output) + first * pixels.channels, rows, pixels.channels,
                               sums.first(part), sums.second(part));
    });
  });
}

ScaleShiftClamp scale_shift_clamp(const NormCoefficients& norm, Activation activation) {
  const Clamp clamp = clamp_of(activation);
  return {norm.row(kScale), norm.row(kShift), clamp.low, clamp.high};
}

void normalize(const at::Tensor& hidden, const at::Tensor& residual, const at::Tensor& output,
               const NormCoefficients& norm, Activation activation) {
  const Pixels pixels(hidden);
  with_element_type(hidden, [&]<typename T>(T) {
    for_each_part(pixels, [&](std::int64_t, std::int64_t first, std::int64_t rows) {
      const std::int64_t at = first * pixels.channels;
      kernels<T>().normalize(
          data_of<T>(hidden) + at, residual.defined() ? data_of<T>(residual) + at : nullptr,
          data_of<T>(output) + at, rows, pixels.channels, scale_shift_clamp(norm, activation));
    });
  });
}

// Of the scale, the bias and, through them, the line that leads back to the convolution's output.
struct NormGradients {
  at::Tensor weight, bias;  // [channels]
  at::Tensor line;          // [2, channels]: slope and offset
};

NormGradients norm_gradients(const at::Tensor& gradient, const at::Tensor& hidden,
                             const NormCoefficients& norm, Activation activation, bool from_batch) {
  const Pixels pixels(hidden);
  ChannelSums sums(pixels.channels);
  with_element_type(hidden, [&]<typename T>(T) {
    for_each_part(pixels, [&](std::int64_t part, std::int64_t first, std::int64_t rows) {
      const std::int64_t at = first * pixels.channels;
      kernels<T>().add_gradient_sums(data_of<T>(gradient) + at, data_of<T>(hidden) + at, rows,
                                     pixels.channels, scale_shift_clamp(norm, activation),
                                     norm.row(kMean), sums.first(part), sums.second(part));
    });
  });
  const std::vector<double> total = sums.total();
  NormGradients result{at::empty({pixels.channels}, at::kFloat),
                       at::empty({pixels.channels}, at::kFloat),
                       at::zeros({2, pixels.channels}, at::kFloat)};
  const auto count = static_cast<double>(pixels.rows);
  float* slope = result.line.data_ptr<float>();
  float* offset = slope + pixels.channels;
  for (std::int64_t c = 0; c < pixels.channels; ++c) {
    const double sum = total[c];
    const auto inverse = static_cast<double>(norm.row(kInverseDeviation)[c]);
    const double product = total[pixels.channels + c] * inverse;
    result.bias.data_ptr<float>()[c] = static_cast<float>(sum);
    result.weight.data_ptr<float>()[c] = static_cast<float>(product);
    if (!from_batch) continue;
    const auto scale = static_cast<double>(norm.row(kScale)[c]);
    const double line_slope = -scale * inverse * product / count;
    slope[c] = static_cast<float>(line_slope);
    offset[c] = static_cast<float>(-scale * sum / count -
                                   line_slope * static_cast<double>(norm.row(kMean)[c]));
  }
  return result;
}

NormGradient norm_gradient(const NormCoefficients& norm, const NormGradients& gradients,
                           Activation activation) {
  const float* slope = gradients.line.data_ptr<float>();
  return {scale_shift_clamp(norm, activation), slope, slope + gradients.line.size(1)};
}

ConvolutionGradients depthwise_backward(const at::Tensor& gradient, const at::Tensor& input,
                                        const at::Tensor& weight, const at::Tensor& hidden,
                                        const NormGradient& norm, std::int64_t stride,
                                        bool wants_input, bool wants_weight) {
  ConvolutionGradients result;
  const DepthwiseShape shape = depthwise_shape(input, hidden, weight, stride);
  if (wants_input) {
    result.input = at::empty_like(input);
  }
  const at::Tensor sums = at::zeros({kParts, shape.taps(), shape.channels}, at::kFloat);
  with_element_type(input, [&]<typename T>(T) {
    for_each_channel_block(
        shape, input.size(0),
        [&](std::int64_t part, std::int64_t image, std::int64_t channel, float* scratch) {
          const DepthwiseBackward<T> tensors{
              .input = data_of<T>(input) + image * input.stride(0),
              .output = data_of<T>(hidden) + image * hidden.stride(0),
              .output_gradient = data_of<T>(gradient) + image * hidden.stride(0),
              .weights = weight.data_ptr<float>(),
              .input_gradient =
                  wants_input ? data_of<T>(result.input) + image * input.stride(0) : nullptr};
          float* weight_gradient =
              wants_weight ? sums.data_ptr<float>() + part * shape.taps() * shape.channels
                           : nullptr;
          kernels<T>().depthwise_backward(shape, channel, tensors, norm, weight_gradient, scratch);
        });
  });
  if (wants_weight) {
    result.weight = sums.sum(0).t().reshape({shape.channels, 1, shape.kernel_rows, shape.kernel});
  }
  return result;
}

at::Tensor at_convolution(const at::Tensor& gradient, const at::Tensor& hidden,
                          const NormGradient& norm) {
  const Pixels pixels(hidden);
  at::Tensor result = at::empty_like(hidden);
  with_element_type(hidden, [&]<typename T>(T) {
    for_each_part(pixels, [&](std::int64_t, std::int64_t first, std::int64_t rows) {
      const std::int64_t at = first * pixels.channels;
      kernels<T>().norm_gradient(data_of<T>(gradient) + at, data_of<T>(hidden) + at,
                                 data_of<T>(result) + at, rows, pixels.channels, norm);
    });
  });
  return result;
}

}  // namespace

bool can_take(const at::Tensor& input, const ConvBatchNormTensors& tensors,
              const ConvBatchNormShape& shape) {
  const std::int64_t channels = tensors.bn_weight.size(0);
  const bool has_type = input.scalar_type() == at::kFloat || input.scalar_type() == at::kBFloat16;
  return input.device().is_cpu() && has_type && tensors.weight.scalar_type() == at::kFloat &&
         row_group(channels) * channels <= kMaxGroupWidth && shape.kernel <= kMaxKernel;
}

ForwardPass run_forward(const at::Tensor& input, const at::Tensor& residual,
                        const ConvBatchNormTensors& tensors, const ConvBatchNormShape& shape,
                        const NormStatistics& statistics, bool keep_hidden) {
  ChannelSums sums(tensors.bn_weight.size(0));
  ChannelSums* const wanted = statistics.from_batch ? &sums : nullptr;
  ForwardPass result;
  if (shape.depthwise) {
    result.hidden = depthwise_forward(input, tensors.weight, shape, wanted);
  } else {
    result.hidden = dense_convolution(input, tensors.weight, shape.stride);
    if (wanted) add_moments(result.hidden, *wanted);
  }
  result.output = keep_hidden ? at::empty_like(result.hidden) : result.hidden;
  const NormCoefficients norm =
      statistics.from_batch ? coefficients_of_batch(tensors, shape, statistics, sums.total(),
                                                    Pixels(result.hidden).rows)
                            : coefficients_of_running(tensors, shape.epsilon);
  normalize(result.hidden, residual, result.output, norm, shape.activation);
  result.coefficients = norm.rows;
  return result;
}

BackwardPass run_backward(const BackwardOperands& operands) {
  const NormCoefficients norm{operands.coefficients};
  const NormGradients sums = norm_gradients(operands.gradient, operands.hidden, norm,
                                            operands.activation, operands.from_batch);
  const NormGradient line = norm_gradient(norm, sums, operands.activation);
  BackwardPass result{.bn_weight = sums.weight, .bn_bias = sums.bias};
  result.convolution =
      operands.depthwise
          ? depthwise_backward(operands.gradient, operands.input, operands.weight, operands.hidden,
                               line, operands.stride, operands.wants_input, operands.wants_weight)
          : dense_convolution_gradients(at_convolution(operands.gradient, operands.hidden, line),
                                        operands.input, operands.weight, operands.stride,
                                        operands.wants_input, operands.wants_weight);
  return result;
}

}  // namespace mcunet::supernet::cpu
