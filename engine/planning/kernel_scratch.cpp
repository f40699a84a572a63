#include "planning/kernel_scratch.hpp"

#include <algorithm>

#include "kernels/scratch.h"
#include "mcunet/engine/graph/operator_table.hpp"
#include "mcunet/engine/graph/weights.hpp"
#include "mcunet/engine/planning/arena.hpp"
#include "mcunet/engine/planning/row_bands.hpp"
#include "mcunet/engine/planning/schedule.hpp"
#include "planning/kernels.hpp"

namespace mcunet::engine {
namespace {

enum class Appetite { kLeast, kMost };

bool is_pointwise(const Op& op) {
  const Window& w = op.window;
  return w.kernel_height == 1 && w.kernel_width == 1 && w.stride_height == 1 && w.stride_width == 1;
}

int bits_of(const Tensor& tensor) { return bits_per_element(tensor.type); }

std::int64_t convolution_scratch(const Graph& graph, const Op& op, Appetite appetite) {
  const Shape& input = graph.input_of(op).shape;
  const std::int32_t outputs = graph.output_of(op).shape.channels;
  const int from = bits_of(graph.input_of(op));
  const int to = bits_of(graph.output_of(op));
  const Window& w = op.window;
  const mcunet_conv2d_layer layer{.input_channels = input.channels,
                                  .output_channels = outputs,
                                  .kernel_height = w.kernel_height,
                                  .kernel_width = w.kernel_width};
  if (w.dilation_height != 1 || w.dilation_width != 1) {
    const mcunet_conv2d_dilated_layer dilated{.window = layer};
    return mcunet_conv2d_dilated_scratch_bytes(&dilated);
  }
  const std::int32_t general =
      mcunet_conv2d_narrow_scratch_bytes(&layer, appetite == Appetite::kMost ? 4 : 1, from, to);
  if (!is_pointwise(op)) return general;
  // Either kernel may be called.
  return std::max(general, mcunet_conv2d_1x1_narrow_scratch_bytes(
                               input.height * input.width, input.channels, outputs, from, to));
}

std::int64_t transposed_scratch(const Graph& graph, const Op& op) {
  const Window& w = op.window;
  const mcunet_conv2d_layer layer{.input_channels = graph.input_of(op).shape.channels,
                                  .kernel_height = w.kernel_height,
                                  .kernel_width = w.kernel_width,
                                  .stride_height = w.stride_height,
                                  .stride_width = w.stride_width};
  return mcunet_transpose_conv2d_scratch_bytes(&layer);
}

// Rows that the kernel works on at a time.
struct Rows {
  std::int32_t input = 0;
  std::int32_t output = 0;
  std::int32_t pad_top = 0;
};

Rows all_rows(const Graph& graph, const Op& op) {
  return {graph.input_of(op).shape.height, graph.output_of(op).shape.height, op.window.padding.top};
}

// A band in the middle of the map, where no window lies in the padding.
Rows rows_of_band(const Graph& graph, const Op& op, std::int32_t rows) {
  const std::int32_t output = std::min(rows, graph.output_of(op).shape.height);
  return {(output - 1) * op.window.stride_height + op.window.extent_height(), output, 0};
}

std::int64_t depthwise_scratch(const Graph& graph, const Op& op, const Rows& rows,
                               Appetite appetite) {
  const Shape& input = graph.input_of(op).shape;
  const Shape& output = graph.output_of(op).shape;
  if (!has_window_kernel(graph, op)) return 0;
  const mcunet_depthwise_layer layer{.input_height = rows.input,
                                     .input_width = input.width,
                                     .output_height = rows.output,
                                     .output_width = output.width,
                                     .channels = input.channels,
                                     .pad_top = rows.pad_top,
                                     .pad_left = op.window.padding.left};
  const bool is_int4 = graph.input_of(op).type == DataType::kInt4;
  const auto bytes_by = is_int4                       ? appetite == Appetite::kMost
                                                            ? mcunet_depthwise_whole_narrow_scratch_bytes
                                                            : mcunet_depthwise_narrow_scratch_bytes
                        : appetite == Appetite::kMost ? mcunet_depthwise_whole_scratch_bytes
                                                      : mcunet_depthwise_scratch_bytes;
  return bytes_by(&layer, op.window.kernel_height, op.window.kernel_width, op.window.stride_width);
}

std::int64_t scratch(const Graph& graph, const Op& op, const Rows& rows, Appetite appetite) {
  switch (ScratchKind{traits_of(op.kind).scratch}) {
    case ScratchKind::kColumns:
      return convolution_scratch(graph, op, appetite);
    case ScratchKind::kTransposedColumns:
      return transposed_scratch(graph, op);
    case ScratchKind::kRows:
      return depthwise_scratch(graph, op, rows, appetite);
    case ScratchKind::kFeatures: {
      if (has_few_outputs(graph, op)) return 0;
      const auto batches = static_cast<std::int32_t>(rows_of(graph, op));
      const std::int64_t features = weight_layout(graph, op).per_output();
      return mcunet_fully_connected_scratch_bytes(batches, static_cast<std::int32_t>(features));
    }
    case ScratchKind::kMatrixColumns:
      return mcunet_batch_matmul_scratch_bytes(sides_of(graph, op).shapes[0].channels);
    case ScratchKind::kSteps:
      return mcunet_lstm_scratch_bytes(graph.input_of(op).shape.channels,
                                       graph.output_of(op).shape.channels);
    case ScratchKind::kNone:
      break;
  }
  return 0;
}

// Of the output. What is left of groups of four is computed one by one.
std::int64_t pixels_in_fours(const Graph& graph, const Op& op) {
  const Shape& output = graph.output_of(op).shape;
  return std::int64_t{output.height} * output.width / 4 * 4;
}

FasterWay faster_way(const Graph& graph, const Op& op, const Rows& rows) {
  if (scratch(graph, op, rows, Appetite::kMost) == scratch(graph, op, rows, Appetite::kLeast)) {
    return FasterWay::kNone;
  }
  if (traits_of(op.kind).scratch == ScratchKind::kRows) return FasterWay::kWholePlanes;
  // The kernel of 1x1 windows has its four columns in any case.
  return has_dense_pointwise(op) || pixels_in_fours(graph, op) == 0 ? FasterWay::kNone
                                                                    : FasterWay::kFourColumns;
}

}  // namespace

std::int64_t least_scratch_bytes(const Graph& graph, const Op& op) {
  return scratch(graph, op, all_rows(graph, op), Appetite::kLeast);
}

std::int64_t fastest_scratch_bytes(const Graph& graph, const Op& op) {
  return scratch(graph, op, all_rows(graph, op), Appetite::kMost);
}

std::int64_t least_scratch_bytes(const Graph& graph, const Op& op, std::int32_t band_rows) {
  return scratch(graph, op, rows_of_band(graph, op, band_rows), Appetite::kLeast);
}

std::int64_t kernel_scratch_bytes(const Graph& graph, const Step& step, const RowBands& bands) {
  const Appetite appetite = step.has_fast_scratch ? Appetite::kMost : Appetite::kLeast;
  std::int64_t most = 0;
  for (std::int32_t i = 0; i < step.op_count; ++i) {
    const Op& op = graph.ops[step.first_op + i];
    const Rows rows = rows_of_band(graph, op, bands.stages[i].rows_per_band);
    most = std::max(most, scratch(graph, op, rows, appetite));
  }
  return most;
}

std::int64_t fastest_scratch_bytes(const Graph& graph, const Step& step) {
  if (!step.is_in_bands()) return fastest_scratch_bytes(graph, graph.ops[step.first_op]);
  Step fast = step;
  fast.has_fast_scratch = true;
  const RowBands bands = plan_row_bands(graph, step);
  return bands.buffer_bytes + kernel_scratch_bytes(graph, fast, bands);
}

FasterWay faster_way(const Graph& graph, const Op& op) {
  return faster_way(graph, op, all_rows(graph, op));
}

FasterWay faster_way(const Graph& graph, const Op& op, std::int32_t band_rows) {
  return faster_way(graph, op, rows_of_band(graph, op, band_rows));
}

// Differences of instructions counted in the emulator, layer by layer of ResNet-8, MCUNet VWW and
// keyword spotting, before the kernels were scheduled: within a third. As they are now, it tells 6 % too
// little of ResNet-8's layer on a Cortex-M7, 26 % on a Cortex-M4.
double saved_instructions(const Graph& graph, const Op& op) {
  constexpr double kPerMac = kInstructionsSavedPerMac;
  constexpr double kPerOutput = 6.6;
  const Shape& input = graph.input_of(op).shape;
  const Shape& output = graph.output_of(op).shape;
  switch (faster_way(graph, op)) {
    case FasterWay::kFourColumns: {
      const auto outputs = static_cast<double>(pixels_in_fours(graph, op) * output.channels);
      return outputs *
             (kPerOutput + kPerMac * static_cast<double>(weight_layout(graph, op).per_output()));
    }
    case FasterWay::kWholePlanes:
      return output.channels *
             (kRingPerInputRow * input.height + kRingPerOutputRow * output.height);
    case FasterWay::kNone:
      break;
  }
  return 0;
}

}  // namespace mcunet::engine
