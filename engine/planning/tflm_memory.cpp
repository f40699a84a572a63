#include "planning/tflm_memory.hpp"

#include <algorithm>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/operator_table.hpp"
#include "mcunet/engine/graph/weights.hpp"
#include "planning/kernels.hpp"

namespace mcunet::engine {
namespace {

constexpr std::int64_t kEvalTensor = 12;  // TfLiteEvalTensor: data, dimensions, type
constexpr std::int64_t kNode = 32;        // NodeAndRegistration: seven words and the registration
constexpr std::int64_t kParameters = 28;  // TfLiteConvParams and its like
constexpr std::int64_t kOpData = 64;      // OpData of a kernel, at 16 bytes
// The allocator, the planner and the interpreter's view of its input and output.
constexpr std::int64_t kInterpreter = 400;

std::int64_t aligned(std::int64_t bytes) {
  return (bytes + kTflmPlanner.alignment - 1) & -kTflmPlanner.alignment;
}

// Two columns of 16 bits, of a multiple of four values each.
std::int64_t column_pair(std::int64_t values) { return 2 * 2 * ((values + 3) / 4 * 4); }

std::int64_t values_under_window(const Graph& graph, const Op& op) {
  return std::int64_t{op.window.kernel_height} * op.window.kernel_width *
         graph.input_of(op).shape.channels;
}

bool is_dilated(const Window& w) { return w.dilation_height != 1 || w.dilation_width != 1; }

// arm_convolve_wrapper_s8_get_buffer_size
std::int64_t convolution_scratch(const Graph& graph, const Op& op) {
  const Window& w = op.window;
  const bool is_pointwise = w.kernel_height == 1 && w.kernel_width == 1 && w.padding == Padding{};
  return is_pointwise ? 0 : column_pair(values_under_window(graph, op));
}

// arm_depthwise_conv_wrapper_s8_get_buffer_size
std::int64_t depthwise_scratch(const Graph& graph, const Op& op) {
  const Window& w = op.window;
  if (is_dilated(w) || graph.output_of(op).shape.channels != graph.input_of(op).shape.channels) {
    return 0;
  }
  const bool has_own_kernel =
      w.kernel_height == 3 && w.kernel_width == 3 && w.padding.top <= 1 && w.padding.left <= 1;
  return has_own_kernel ? 0 : 2 * values_under_window(graph, op);
}

// arm_transpose_conv_s8_get_buffer_size and arm_transpose_conv_s8_get_reverse_conv_buffer_size
std::int64_t transposed_scratch(const Graph& graph, const Op& op) {
  constexpr std::int32_t kFewChannels = 16;
  const Window& w = op.window;
  const Shape& input = graph.input_of(op).shape;
  if (w.stride_height <= 2 && w.stride_width <= 2 && input.channels > kFewChannels) {
    return aligned(column_pair(values_under_window(graph, op))) +
           weight_layout(graph, op).elements();
  }
  const std::int64_t columns =
      std::int64_t{input.width - 1} * w.stride_width + std::max(w.kernel_width, w.stride_height);
  return 4 * columns * graph.output_of(op).shape.channels *
         std::max(w.kernel_height, w.stride_height);
}

// What BATCH_MATMUL keeps of its second operand, unless that is transposed already.
std::int64_t transposed_matrices(const Graph& graph, const Op& op) {
  if (graph.details_of(op).is_transposed) return 0;
  return aligned(sides_of(graph, op).shapes[1].elements());
}

std::int64_t constants_of(const Graph& graph, const Op& op) {
  if (traits_of(op.kind).weights == WeightOrder::kPerGate)
    return 3 * std::ssize(GateConstants{}.bias);
  const std::int64_t weights = has_weights(op) ? 1 + (op.has_bias ? 1 : 0) : 0;
  return weights + (graph.details_of(op).operand != kNoId ? 1 : 0);
}

bool has_channel_scales(const Op& op) {
  return has_weights(op) && op.kind != OpKind::kFullyConnected;
}

}  // namespace

std::int64_t cmsis_nn_scratch_bytes(const Graph& graph, const Op& op) {
  switch (ScratchKind{traits_of(op.kind).scratch}) {
    case ScratchKind::kColumns:
      return convolution_scratch(graph, op);
    case ScratchKind::kTransposedColumns:
      return transposed_scratch(graph, op);
    case ScratchKind::kRows:
      return depthwise_scratch(graph, op);
    case ScratchKind::kMatrixColumns:
      return transposed_matrices(graph, op);
    case ScratchKind::kSteps:  // four gates of 16 bits
      return 4 * aligned(2 * std::int64_t{graph.output_of(op).shape.channels});
    case ScratchKind::kFeatures:
    case ScratchKind::kNone:
      break;
  }
  // arm_avgpool_s8_get_buffer_size; sums of MEAN and SUM.
  if (op.kind == OpKind::kAveragePool2d) return 4 * std::int64_t{graph.input_of(op).shape.channels};
  if (op.kind == OpKind::kMean || op.kind == OpKind::kSum) {
    return 4 * graph.output_of(op).shape.elements();
  }
  return 0;
}

std::int64_t tflm_persistent_bytes(const Graph& graph) {
  for (const Tensor& tensor : graph.tensors) {
    if (tensor.type == DataType::kInt4) {
      throw Error(
          "TensorFlow Lite Micro has no activations of 4 bits, so none of the schedule tflm");
    }
  }
  std::int64_t bytes = kInterpreter + kEvalTensor * static_cast<std::int64_t>(graph.tensors.size());
  for (const Op& op : graph.ops) {
    bytes += kNode + kParameters + kOpData + kEvalTensor * constants_of(graph, op);
    if (!has_channel_scales(op)) continue;
    bytes += 2 * aligned(4 * std::int64_t{graph.output_of(op).shape.channels});
  }
  return aligned(bytes);
}

}  // namespace mcunet::engine
