#include "kernels/pack.h"
#include "kernels/scratch.h"
#include "mcunet/engine/graph/operator_table.hpp"
#include "mcunet/engine/graph/shape_inference.hpp"
#include "mcunet/engine/graph/weights.hpp"
#include "mcunet/engine/planning/resources.hpp"
#include "mcunet/engine/planning/row_bands.hpp"
#include "planning/kernels.hpp"

namespace mcunet::engine {
namespace {

// Start-up, clock, console, main() and what these take of the C library, linked for devices in
// configs/devices: those with Cortex-M4 and -M7 have a serial console. By CodeCore.
constexpr std::array<std::int64_t, kCodeCores> kFirmwareCode = {1808, 1548, 2088, 1580, 2400};
// The call of a kernel and the description of its layer: 59 to 60 bytes in networks of 30 and 57 layers.
constexpr std::int64_t kStepCode = 60;
// What an operator in bands has besides: its function, and its row in the table of stages.
constexpr std::int64_t kStageCode = 80;

std::int64_t packed_transposed_bytes(const Op& op, const WeightLayout& layout) {
  const Window& w = op.window;
  std::int64_t bytes = 0;
  for (std::int32_t row = 0; row < w.stride_height; ++row) {
    for (std::int32_t column = 0; column < w.stride_width; ++column) {
      const std::int32_t taps =
          mcunet_transpose_conv2d_taps(w.kernel_height, w.stride_height, row) *
          mcunet_transpose_conv2d_taps(w.kernel_width, w.stride_width, column);
      bytes += static_cast<std::int64_t>(
          mcunet_packed_matmul_bytes(layout.outputs, taps * layout.inputs));
    }
  }
  return bytes;
}

// Of what the code of an operator without weights reads.
std::int64_t table_bytes(const Graph& graph, const Op& op, const KernelCalls& kernels) {
  const Shape& output = graph.output_of(op).shape;
  constexpr std::int64_t kEveryByte = 256;
  if (kernels.calls(kernel_named("lookup")) || kernels.calls(kernel_named("lookup_nibbles"))) {
    return kEveryByte;
  }
  if (kernels.calls(kernel_named("resize_nearest"))) return 2 * (output.height + output.width);
  if (kernels.calls(kernel_named("resize_bilinear"))) return 6 * (output.height + output.width);
  const ConstantId operand = graph.details_of(op).operand;
  return operand == kNoId ? 0 : shape_of_dims(graph.constants[operand].dims).elements();
}

void add_constants(const Graph& graph, const Op& op, const KernelCalls& kernels,
                   FlashEstimate& flash) {
  if (traits_of(op.kind).weights == WeightOrder::kNone) {
    flash.quantization += table_bytes(graph, op, kernels);
    return;
  }
  const WeightLayout layout = weight_layout(graph, op);
  const std::int64_t weights = bytes_of_elements(layout.elements(), op.weight_bits);
  const std::int64_t biases = std::int64_t{4} * layout.outputs;
  flash.weights += weights;
  flash.biases += biases;
  flash.quantization += packed_weight_bytes(graph, op, layout) - weights - biases;
}

}  // namespace

std::int64_t packed_weight_bytes(const Graph& graph, const Op& op, const WeightLayout& layout) {
  if (op.kind == OpKind::kTransposeConv) return packed_transposed_bytes(op, layout);
  if (layout.order == WeightOrder::kPerGate) {
    return static_cast<std::int64_t>(mcunet_packed_lstm_bytes(graph.input_of(op).shape.channels,
                                                              graph.output_of(op).shape.channels));
  }
  const bool is_int4 = op.weight_bits == 4;
  if (layout.order == WeightOrder::kOutputLast) {
    const auto bytes_of =
        is_int4 ? mcunet_packed_depthwise_bytes_s4 : mcunet_packed_depthwise_bytes;
    return static_cast<std::int64_t>(bytes_of(layout.outputs, layout.places));
  }
  const int input_bits = bits_per_element(graph.input_of(op).type);
  const std::int32_t depth = layout.places * mcunet_values_of_pixel(layout.inputs, input_bits);
  const auto bytes_of = is_int4 ? mcunet_packed_matmul_bytes_s4 : mcunet_packed_matmul_bytes;
  return static_cast<std::int64_t>(bytes_of(layout.outputs, depth));
}

FlashEstimate estimate_flash(const Graph& graph, const Schedule& schedule, CodeCore core) {
  FlashEstimate flash{.code = kFirmwareCode[static_cast<std::size_t>(core)]};
  KernelSet called;
  for (const Step& step : schedule.steps) {
    const bool is_in_bands = step.is_in_bands();
    for (const Op& op : ops_of(graph, step)) {
      const KernelCalls kernels =
          kernels_of(graph, op, {.accumulates = is_in_bands && accumulates(graph, op)});
      for (const Kernel kernel : kernels) add_kernel(kernel, called);
      add_constants(graph, op, kernels, flash);
      flash.code += kStepCode + (is_in_bands ? kStageCode : 0);
    }
    if (is_in_bands) add_kernel(kernel_named("stream"), called);
    if (schedule.headroom[ops_of(graph, step).back().output] > 0) {
      add_kernel(kernel_named("move_up"), called);
    }
  }
  flash.quantization += graph.uneven_state_bytes();
  flash.code += code_bytes(called, core);
  return flash;
}

FlashEstimate estimate_flash(const Graph& graph, CodeCore core) {
  return estimate_flash(graph, make_schedule(graph), core);
}

}  // namespace mcunet::engine
