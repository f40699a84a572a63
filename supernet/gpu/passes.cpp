#include "passes.hpp"

#include <ATen/Functions.h>
#include <c10/core/DeviceGuard.h>

#include "activation_clamp.hpp"
#include "gpu/kernels.hpp"
#include "mcunet/core/error.hpp"

namespace mcunet::supernet::gpu {
namespace {

// The kernels for tensors of a device, which is the current one meanwhile.
class KernelsFor {
 public:
  explicit KernelsFor(const at::Tensor& tensor)
      : guard_(tensor.device()),
        kernels_(tensor.is_cuda() ? *kernels_on_gpu() : kernels_in_turn()) {}

  const Kernels* operator->() const { return &kernels_; }

 private:
  c10::DeviceGuard guard_;
  const Kernels& kernels_;
};

std::optional<Element> element_type(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return Element::kFloat32;
    case at::kBFloat16:
      return Element::kBfloat16;
    case at::kHalf:
      return Element::kFloat16;
    default:
      return std::nullopt;
  }
}

Element element_of(const at::Tensor& tensor) {
  const std::optional<Element> element = element_type(tensor);
  if (!element)
    throw Error("the kernels for GPUs know no tensors of {}", toString(tensor.scalar_type()));
  return *element;
}

Pixels pixels_of(const at::Tensor& tensor) {
  return {tensor.size(0) * tensor.size(2) * tensor.size(3), tensor.size(1)};
}

DepthwiseShape shape_of(const at::Tensor& input, const at::Tensor& output, const at::Tensor& weight,
                        std::int64_t stride) {
  return {.images = input.size(0),
          .channels = input.size(1),
          .height = input.size(2),
          .width = input.size(3),
          .output_height = output.size(2),
          .output_width = output.size(3),
          .kernel_rows = weight.size(2),
          .kernel = weight.size(3),
          .stride = stride};
}

// [taps, channels]
at::Tensor taps_of(const at::Tensor& weight) { return weight.permute({2, 3, 0, 1}).contiguous(); }

float* row_of(const at::Tensor& coefficients, Coefficient index) {
  return coefficients.data_ptr<float>() + index * coefficients.size(1);
}

ScaleShiftClamp scale_shift_clamp(const at::Tensor& coefficients, engine::Activation activation) {
  const Clamp clamp = clamp_of(activation);
  return {row_of(coefficients, kScale), row_of(coefficients, kShift), clamp.low, clamp.high};
}

at::Tensor depthwise(const at::Tensor& input, const at::Tensor& weight,
                     const ConvBatchNormShape& unit) {
  at::Tensor output = empty_depthwise_output(input, unit);
  const at::Tensor taps = taps_of(weight);
  KernelsFor(input)->depthwise(shape_of(input, output, weight, unit.stride), element_of(input),
                               input.data_ptr(), taps.data_ptr<float>(), output.data_ptr());
  return output;
}

ConvolutionGradients depthwise_gradients(const at::Tensor& gradient,
                                         const BackwardOperands& operands) {
  const at::Tensor& input = operands.input;
  const DepthwiseShape shape = shape_of(input, gradient, operands.weight, operands.stride);
  const KernelsFor kernels(input);
  ConvolutionGradients result;
  if (operands.wants_input) {
    result.input = at::empty_like(input);
    const at::Tensor taps = taps_of(operands.weight);
    kernels->depthwise_input_gradient(shape, element_of(input), gradient.data_ptr(),
                                      taps.data_ptr<float>(), result.input.data_ptr());
  }
  if (operands.wants_weight) {
    const at::Tensor sums =
        at::empty({weight_gradient_parts(shape), shape.taps(), shape.channels},
                  input.options().dtype(at::kFloat).memory_format(at::MemoryFormat::Contiguous));
    kernels->depthwise_weight_gradient(shape, element_of(input), input.data_ptr(),
                                       gradient.data_ptr(), sums.data_ptr<float>());
    result.weight = sums.sum(0).t().reshape(operands.weight.sizes());
  }
  return result;
}

// Partial sums [2, parts, channels] -> [2, channels], 64-bit floats.
at::Tensor empty_sums(const at::Tensor& like) {
  const Pixels pixels = pixels_of(like);
  return at::empty({2, row_parts(pixels), pixels.channels},
                   at::TensorOptions().dtype(at::kFloat).device(like.device()));
}

at::Tensor add_up(const at::Tensor& sums) { return sums.sum(1, /*keepdim=*/false, at::kDouble); }

at::Tensor coefficients_of(const at::Tensor& hidden, const ConvBatchNormTensors& tensors,
                           const ConvBatchNormShape& shape, const NormStatistics& statistics) {
  const Pixels pixels = pixels_of(hidden);
  if (statistics.from_batch && pixels.rows == 0) {
    throw Error("batch normalization: there are no examples");
  }
  const KernelsFor kernels(hidden);
  const at::Tensor result =
      at::empty({kCoefficients, pixels.channels}, tensors.bn_weight.options());
  Normalization norm{.first_pixel = nullptr,
                     .moments = nullptr,
                     .rows = pixels.rows,
                     .weight = tensors.bn_weight.data_ptr<float>(),
                     .bias = tensors.bn_bias.data_ptr<float>(),
                     .running_mean = tensors.running_mean.data_ptr<float>(),
                     .running_var = tensors.running_var.data_ptr<float>(),
                     .momentum = static_cast<float>(statistics.momentum.value_or(shape.momentum)),
                     .correction = 1,
                     .epsilon = static_cast<float>(shape.epsilon),
                     .coefficients = result.data_ptr<float>()};
  if (!statistics.from_batch) {
    kernels->coefficients(pixels.channels, element_of(hidden), norm);
    return result;
  }
  if (!statistics.biased_variance && pixels.rows > 1) {
    norm.correction = static_cast<float>(pixels.rows) / static_cast<float>(pixels.rows - 1);
  }
  const at::Tensor sums = empty_sums(hidden);
  kernels->add_moments(pixels, element_of(hidden), hidden.data_ptr(), sums.data_ptr<float>());
  const at::Tensor moments = add_up(sums);
  norm.first_pixel = hidden.data_ptr();
  norm.moments = moments.data_ptr<double>();
  kernels->coefficients(pixels.channels, element_of(hidden), norm);
  return result;
}

}  // namespace

bool can_take(const at::Tensor& input, const ConvBatchNormTensors& tensors,
              const ConvBatchNormShape& shape) {
  if (!input.is_cuda() || !problem_of(input.device().index()).empty() || !element_type(input) ||
      tensors.weight.scalar_type() != at::kFloat || tensors.bn_weight.size(0) % kVectorWidth != 0) {
    return false;
  }
  return !shape.depthwise || can_take(DepthwiseShape{.kernel_rows = tensors.weight.size(2),
                                                     .kernel = tensors.weight.size(3),
                                                     .stride = shape.stride});
}

ForwardPass run_forward(const at::Tensor& input, const at::Tensor& residual,
                        const ConvBatchNormTensors& tensors, const ConvBatchNormShape& shape,
                        const NormStatistics& statistics, bool keep_hidden) {
  ForwardPass result;
  result.hidden = shape.depthwise ? depthwise(input, tensors.weight, shape)
                                  : dense_convolution(input, tensors.weight, shape.stride);
  result.coefficients = coefficients_of(result.hidden, tensors, shape, statistics);
  result.output = keep_hidden ? at::empty_like(result.hidden) : result.hidden;
  KernelsFor(input)->normalize(
      pixels_of(result.hidden), element_of(input), result.hidden.data_ptr(),
      residual.defined() ? residual.data_ptr() : nullptr, result.output.data_ptr(),
      scale_shift_clamp(result.coefficients, shape.activation));
  return result;
}

BackwardPass run_backward(const BackwardOperands& operands) {
  const at::Tensor& hidden = operands.hidden;
  const Pixels pixels = pixels_of(hidden);
  const Element element = element_of(hidden);
  const KernelsFor kernels(hidden);
  const ScaleShiftClamp norm = scale_shift_clamp(operands.coefficients, operands.activation);
  const at::Tensor parts = empty_sums(hidden);
  kernels->add_gradient_sums(pixels, element, operands.gradient.data_ptr(), hidden.data_ptr(), norm,
                             row_of(operands.coefficients, kMean), parts.data_ptr<float>());
  const at::Tensor sums = add_up(parts);
  const auto floats = operands.coefficients.options();
  BackwardPass result{.bn_weight = at::empty({pixels.channels}, floats),
                      .bn_bias = at::empty({pixels.channels}, floats)};
  const at::Tensor line = at::empty({2, pixels.channels}, floats);
  kernels->coefficient_gradients(pixels.channels,
                                 {.sums = sums.data_ptr<double>(),
                                  .rows = pixels.rows,
                                  .from_batch = operands.from_batch,
                                  .coefficients = operands.coefficients.data_ptr<float>(),
                                  .weight = result.bn_weight.data_ptr<float>(),
                                  .bias = result.bn_bias.data_ptr<float>(),
                                  .line = line.data_ptr<float>()});
  const at::Tensor at_convolution = at::empty_like(hidden);
  kernels->norm_gradient(pixels, element, operands.gradient.data_ptr(), hidden.data_ptr(), norm,
                         line.data_ptr<float>(), at_convolution.data_ptr());
  result.convolution =
      operands.depthwise ? depthwise_gradients(at_convolution, operands)
                         : dense_convolution_gradients(at_convolution, operands.input,
                                                       operands.weight, operands.stride,
                                                       operands.wants_input, operands.wants_weight);
  return result;
}

}  // namespace mcunet::supernet::gpu
