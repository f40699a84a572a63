#include "fused_conv_batch_norm.hpp"

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "gpu/kernels.hpp"
#include "passes.hpp"

namespace mcunet::supernet {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

ForwardPass run_forward(const at::Tensor& input, const at::Tensor& residual,
                        const ConvBatchNormTensors& tensors, const ConvBatchNormShape& shape,
                        const NormStatistics& statistics, bool keep_hidden) {
  const auto run = input.is_cuda() ? gpu::run_forward : cpu::run_forward;
  return run(input, residual, tensors, shape, statistics, keep_hidden);
}

class FusedConvBatchNorm : public torch::autograd::Function<FusedConvBatchNorm> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input,
                            const at::Tensor& weight, const at::Tensor& bn_weight,
                            const at::Tensor& bn_bias, const c10::optional<at::Tensor>& shortcut,
                            const at::Tensor& running_mean, const at::Tensor& running_var,
                            const ConvBatchNormShape& shape, const NormStatistics& statistics) {
    const at::Tensor residual = shortcut.value_or(at::Tensor());
    const ForwardPass pass =
        run_forward(input, residual, {weight, bn_weight, bn_bias, running_mean, running_var}, shape,
                    statistics, /*keep_hidden=*/true);
    context->save_for_backward({input, weight, pass.hidden, pass.coefficients});
    context->saved_data["stride"] = shape.stride;
    context->saved_data["depthwise"] = shape.depthwise;
    context->saved_data["activation"] = static_cast<std::int64_t>(shape.activation);
    context->saved_data["from_batch"] = statistics.from_batch;
    context->saved_data["has_residual"] = residual.defined();
    return pass.output;
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const BackwardOperands operands{
        .gradient = gradients[0].contiguous(at::MemoryFormat::ChannelsLast),
        .input = saved[0],
        .weight = saved[1],
        .hidden = saved[2],
        .coefficients = saved[3],
        .stride = context->saved_data["stride"].toInt(),
        .depthwise = context->saved_data["depthwise"].toBool(),
        .activation = static_cast<engine::Activation>(context->saved_data["activation"].toInt()),
        .from_batch = context->saved_data["from_batch"].toBool(),
        .wants_input = context->needs_input_grad(0),
        .wants_weight = context->needs_input_grad(1)};
    const BackwardPass pass =
        operands.input.is_cuda() ? gpu::run_backward(operands) : cpu::run_backward(operands);
    const at::Tensor none;
    return {pass.convolution.input,
            pass.convolution.weight,
            pass.bn_weight,
            pass.bn_bias,
            context->saved_data["has_residual"].toBool() ? gradients[0] : none,
            none,
            none,
            none,
            none};
  }
};

}  // namespace

at::Tensor empty_depthwise_output(const at::Tensor& input, const ConvBatchNormShape& shape) {
  const auto outputs = [&](std::int64_t inputs, std::int64_t kernel) {
    return (inputs + 2 * (kernel / 2) - kernel) / shape.stride + 1;
  };
  return at::empty({input.size(0), input.size(1), outputs(input.size(2), shape.kernel_rows()),
                    outputs(input.size(3), shape.kernel)},
                   input.options().memory_format(at::MemoryFormat::ChannelsLast));
}

std::string gpu_problem(const at::Device& device) {
  const std::string problem =
      device.is_cuda() ? gpu::problem_of(std::max<int>(0, device.index())) : "";
  if (problem.empty()) return "";
  return problem +
         ": libtorch's operators are slower, and prepare depthwise convolutions for up to a second for each "
         "new shape";
}

bool can_fuse(const at::Tensor& input, const ConvBatchNormTensors& tensors,
              const ConvBatchNormShape& shape) {
  return cpu::can_take(input, tensors, shape) || gpu::can_take(input, tensors, shape);
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
