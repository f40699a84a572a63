#include "fused_conv_batch_norm.hpp"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "cpu/kernels.hpp"

#ifndef INTRA_OP_PARALLEL
#error "compile with OpenMP: at::parallel_for would run on one thread"
#endif

namespace mcunet::supernet {
namespace {

using engine::Activation;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

// Work is cut into this many parts whatever the number of threads, so that sums do not depend on
// it.
constexpr std::int64_t kParts = 16;

struct Clamp {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
};

Clamp clamp_of(Activation activation) {
  Clamp clamp;
  if (activation == Activation::kRelu || activation == Activation::kRelu6) clamp.low = 0;
  if (activation == Activation::kRelu6) clamp.high = 6;
  if (activation == Activation::kReluN1To1) clamp = {-1, 1};
  return clamp;
}

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
    run(cpu::Bfloat16{});
  } else {
    run(float{});
  }
}

// Calls run(part, first row, rows) for each part, in parallel.
template <typename Run>
void for_each_part(const Pixels& pixels, Run run) {
  const std::int64_t group = cpu::row_group(pixels.channels);
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

// Rows of at::kFloat [4, channels]: what a unit's backward needs to know of its normalization.
enum Row { kScale, kShift, kMean, kInverseDeviation, kRows };

struct NormCoefficients {
  at::Tensor rows;
  float* row(Row index) const { return rows.data_ptr<float>() + index * rows.size(1); }
};

NormCoefficients make_coefficients(const ConvBatchNormTensors& tensors, const double* mean,
                                   const double* variance, double epsilon) {
  const std::int64_t channels = tensors.bn_weight.size(0);
  NormCoefficients norm{at::empty({kRows, channels}, at::kFloat)};
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

cpu::DepthwiseShape depthwise_shape(const at::Tensor& input, const at::Tensor& output,
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
void for_each_channel_block(const cpu::DepthwiseShape& shape, std::int64_t images, Run run) {
  const std::int64_t blocks = (shape.channels + cpu::kVectorWidth - 1) / cpu::kVectorWidth;
  const std::int64_t parts = std::min(images, kParts);
  at::parallel_for(0, parts * blocks, 1, [&](std::int64_t begin, std::int64_t end) {
    const auto scratch = std::make_unique_for_overwrite<float[]>(
        static_cast<std::size_t>(cpu::depthwise_scratch(shape)));
    for (std::int64_t job = begin; job < end; ++job) {
      const std::int64_t part = job / blocks;
      const std::int64_t first_channel = job % blocks * cpu::kVectorWidth;
      for (std::int64_t i = images * part / parts; i < images * (part + 1) / parts; ++i) {
        run(part, i, first_channel, scratch.get());
      }
    }
  });
}

at::Tensor empty_like_pixels(const at::Tensor& input, std::int64_t channels, std::int64_t height,
                             std::int64_t width) {
  return at::empty({input.size(0), channels, height, width},
                   input.options().memory_format(at::MemoryFormat::ChannelsLast));
}

// The convolution and, if wanted, the sums of its output and of its squares.
at::Tensor depthwise_forward(const at::Tensor& input, const at::Tensor& weight,
                             const ConvBatchNormShape& unit, ChannelSums* sums) {
  const auto outputs = [&](std::int64_t inputs, std::int64_t kernel) {
    return (inputs + 2 * (kernel / 2) - kernel) / unit.stride + 1;
  };
  at::Tensor output =
      empty_like_pixels(input, input.size(1), outputs(input.size(2), unit.kernel_rows()),
                        outputs(input.size(3), unit.kernel));
  const cpu::DepthwiseShape shape = depthwise_shape(input, output, weight, unit.stride);
  with_element_type(input, [&]<typename T>(T) {
    for_each_channel_block(
        shape, input.size(0),
        [&](std::int64_t part, std::int64_t image, std::int64_t channel, float* scratch) {
          cpu::kernels<T>().depthwise(
              shape, channel, data_of<T>(input) + image * input.stride(0), weight.data_ptr<float>(),
              data_of<T>(output) + image * output.stride(0), sums ? sums->first(part) : nullptr,
              sums ? sums->second(part) : nullptr, scratch);
        });
  });
  return output;
}

at::Tensor dense_forward(const at::Tensor& input, const at::Tensor& weight,
                         const ConvBatchNormShape& unit, ChannelSums* sums) {
  const at::Tensor output = at::conv2d(input, weight.to(input.scalar_type()), {}, unit.stride,
                                       {unit.kernel_rows() / 2, unit.kernel / 2})
                                .contiguous(at::MemoryFormat::ChannelsLast);
  if (sums == nullptr) return output;
  const Pixels pixels(output);
  with_element_type(output, [&]<typename T>(T) {
    for_each_part(pixels, [&](std::int64_t part, std::int64_t first, std::int64_t rows) {
      cpu::kernels<T>().add_moments(data_of<T>(output) + first * pixels.channels, rows,
                                    pixels.channels, sums->first(part), sums->second(part));
    });
  });
  return output;
}

cpu::ScaleShiftClamp scale_shift_clamp(const NormCoefficients& norm, Activation activation) {
  const Clamp clamp = clamp_of(activation);
  return {norm.row(kScale), norm.row(kShift), clamp.low, clamp.high};
}

void normalize(const at::Tensor& hidden, const at::Tensor& residual, const at::Tensor& output,
               const NormCoefficients& norm, Activation activation) {
  const Pixels pixels(hidden);
  with_element_type(hidden, [&]<typename T>(T) {
    for_each_part(pixels, [&](std::int64_t, std::int64_t first, std::int64_t rows) {
      const std::int64_t at = first * pixels.channels;
      cpu::kernels<T>().normalize(
          data_of<T>(hidden) + at, residual.defined() ? data_of<T>(residual) + at : nullptr,
          data_of<T>(output) + at, rows, pixels.channels, scale_shift_clamp(norm, activation));
    });
  });
}

struct Forward {
  at::Tensor hidden;  // the convolution's output, unless it became the output
  at::Tensor output;
  NormCoefficients norm;
};

Forward run_forward(const at::Tensor& input, const at::Tensor& residual,
                    const ConvBatchNormTensors& tensors, const ConvBatchNormShape& shape,
                    const NormStatistics& statistics, bool keep_hidden) {
  ChannelSums sums(tensors.bn_weight.size(0));
  ChannelSums* wanted = statistics.from_batch ? &sums : nullptr;
  const at::Tensor hidden = shape.depthwise
                                ? depthwise_forward(input, tensors.weight, shape, wanted)
                                : dense_forward(input, tensors.weight, shape, wanted);
  Forward result{.hidden = hidden, .output = keep_hidden ? at::empty_like(hidden) : hidden};
  result.norm = statistics.from_batch ? coefficients_of_batch(tensors, shape, statistics,
                                                              sums.total(), Pixels(hidden).rows)
                                      : coefficients_of_running(tensors, shape.epsilon);
  normalize(hidden, residual, result.output, result.norm, shape.activation);
  return result;
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
      cpu::kernels<T>().add_gradient_sums(data_of<T>(gradient) + at, data_of<T>(hidden) + at, rows,
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

cpu::NormGradient norm_gradient(const NormCoefficients& norm, const NormGradients& gradients,
                                Activation activation) {
  const float* slope = gradients.line.data_ptr<float>();
  return {scale_shift_clamp(norm, activation), slope, slope + gradients.line.size(1)};
}

struct ConvolutionGradients {
  at::Tensor input, weight;
};

ConvolutionGradients depthwise_backward(const at::Tensor& gradient, const at::Tensor& input,
                                        const at::Tensor& weight, const at::Tensor& hidden,
                                        const cpu::NormGradient& norm, std::int64_t stride,
                                        bool wants_input, bool wants_weight) {
  ConvolutionGradients result;
  const cpu::DepthwiseShape shape = depthwise_shape(input, hidden, weight, stride);
  if (wants_input) {
    result.input = empty_like_pixels(input, shape.channels, shape.height, shape.width);
  }
  const at::Tensor sums = at::zeros({kParts, shape.taps(), shape.channels}, at::kFloat);
  with_element_type(input, [&]<typename T>(T) {
    for_each_channel_block(
        shape, input.size(0),
        [&](std::int64_t part, std::int64_t image, std::int64_t channel, float* scratch) {
          const cpu::DepthwiseBackward<T> tensors{
              .input = data_of<T>(input) + image * input.stride(0),
              .output = data_of<T>(hidden) + image * hidden.stride(0),
              .output_gradient = data_of<T>(gradient) + image * hidden.stride(0),
              .weights = weight.data_ptr<float>(),
              .input_gradient =
                  wants_input ? data_of<T>(result.input) + image * input.stride(0) : nullptr};
          float* weight_gradient =
              wants_weight ? sums.data_ptr<float>() + part * shape.taps() * shape.channels
                           : nullptr;
          cpu::kernels<T>().depthwise_backward(shape, channel, tensors, norm, weight_gradient,
                                               scratch);
        });
  });
  if (wants_weight) {
    result.weight = sums.sum(0).t().reshape({shape.channels, 1, shape.kernel_rows, shape.kernel});
  }
  return result;
}

ConvolutionGradients dense_backward(const at::Tensor& gradient, const at::Tensor& input,
                                    const at::Tensor& weight, const at::Tensor& hidden,
                                    const cpu::NormGradient& norm, std::int64_t stride,
                                    bool wants_input, bool wants_weight) {
  const Pixels pixels(hidden);
  const at::Tensor at_output = at::empty_like(hidden);
  with_element_type(hidden, [&]<typename T>(T) {
    for_each_part(pixels, [&](std::int64_t, std::int64_t first, std::int64_t rows) {
      const std::int64_t at = first * pixels.channels;
      cpu::kernels<T>().norm_gradient(data_of<T>(gradient) + at, data_of<T>(hidden) + at,
                                      data_of<T>(at_output) + at, rows, pixels.channels, norm);
    });
  });
  const auto gradients = at::convolution_backward(
      at_output, input, weight.to(input.scalar_type()), at::OptionalIntArrayRef(), {stride, stride},
      {weight.size(2) / 2, weight.size(3) / 2}, {1, 1}, /*transposed=*/false, {0, 0}, /*groups=*/1,
      {wants_input, wants_weight, false});
  ConvolutionGradients result{std::get<0>(gradients), std::get<1>(gradients)};
  if (wants_weight) result.weight = result.weight.to(at::kFloat);
  return result;
}

class FusedConvBatchNorm : public torch::autograd::Function<FusedConvBatchNorm> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input,
                            const at::Tensor& weight, const at::Tensor& bn_weight,
                            const at::Tensor& bn_bias, const c10::optional<at::Tensor>& shortcut,
                            const at::Tensor& running_mean, const at::Tensor& running_var,
                            const ConvBatchNormShape& shape, const NormStatistics& statistics) {
    const at::Tensor residual = shortcut.value_or(at::Tensor());
    const Forward result =
        run_forward(input, residual, {weight, bn_weight, bn_bias, running_mean, running_var}, shape,
                    statistics, /*keep_hidden=*/true);
    context->save_for_backward({input, weight, result.hidden, result.norm.rows});
    context->saved_data["stride"] = shape.stride;
    context->saved_data["depthwise"] = shape.depthwise;
    context->saved_data["activation"] = static_cast<std::int64_t>(shape.activation);
    context->saved_data["from_batch"] = statistics.from_batch;
    context->saved_data["has_residual"] = residual.defined();
    return result.output;
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor& input = saved[0];
    const at::Tensor& weight = saved[1];
    const at::Tensor& hidden = saved[2];
    const NormCoefficients norm{saved[3]};
    const auto activation = static_cast<Activation>(context->saved_data["activation"].toInt());
    const at::Tensor gradient = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
    const NormGradients norm_sums = norm_gradients(gradient, hidden, norm, activation,
                                                   context->saved_data["from_batch"].toBool());
    const auto backward =
        context->saved_data["depthwise"].toBool() ? depthwise_backward : dense_backward;
    const ConvolutionGradients convolution =
        backward(gradient, input, weight, hidden, norm_gradient(norm, norm_sums, activation),
                 context->saved_data["stride"].toInt(), context->needs_input_grad(0),
                 context->needs_input_grad(1));
    const at::Tensor none;
    return {convolution.input,
            convolution.weight,
            norm_sums.weight,
            norm_sums.bias,
            context->saved_data["has_residual"].toBool() ? gradients[0] : none,
            none,
            none,
            none,
            none};
  }
};

}  // namespace

bool can_fuse(const at::Tensor& input, const ConvBatchNormTensors& tensors,
              const ConvBatchNormShape& shape) {
  const std::int64_t channels = tensors.bn_weight.size(0);
  const bool has_type = input.scalar_type() == at::kFloat || input.scalar_type() == at::kBFloat16;
  return input.device().is_cpu() && has_type && tensors.weight.scalar_type() == at::kFloat &&
         cpu::row_group(channels) * channels <= cpu::kMaxGroupWidth &&
         shape.kernel <= cpu::kMaxKernel;
}

at::Tensor fused_conv_batch_norm(const at::Tensor& input, const at::Tensor& residual,
                                 const ConvBatchNormTensors& tensors,
                                 const ConvBatchNormShape& shape,
                                 const NormStatistics& statistics) {
  const at::Tensor pixels = input.contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor shortcut =
      residual.defined() ? residual.contiguous(at::MemoryFormat::ChannelsLast) : residual;
  if (!at::GradMode::is_enabled()) {
    return run_forward(pixels, shortcut, tensors, shape, statistics, /*keep_hidden=*/false).output;
  }
  // An undefined tensor must not be an argument.
  const auto optional_shortcut =
      shortcut.defined() ? c10::make_optional(shortcut) : c10::optional<at::Tensor>();
  return FusedConvBatchNorm::apply(pixels, tensors.weight, tensors.bn_weight, tensors.bn_bias,
                                   optional_shortcut, tensors.running_mean, tensors.running_var,
                                   shape, statistics);
}

}  // namespace mcunet::supernet
