#include "planning/step_costs.hpp"

#include <algorithm>
#include <limits>

#include "mcunet/engine/graph/operator_table.hpp"
#include "mcunet/engine/graph/weights.hpp"
#include "mcunet/engine/planning/arena.hpp"
#include "mcunet/engine/planning/row_bands.hpp"
#include "planning/kernel_scratch.hpp"

namespace mcunet::engine {
namespace {

constexpr double kPerMovedByte = 0.7;

// What an operator does each time that it is called for a band, beside what it would do for the rows
// alone: counted in the emulator, roughly.
double instructions_per_band(const Graph& graph, const Op& op) {
  constexpr double kCall = 150;
  constexpr double kPerChannel = 150;      // a depthwise channel's weights, and its first block
  constexpr double kPerGatherValue = 2.2;  // of a row that the band before had gathered
  constexpr double kPerSum = 3;            // read, and written again
  const RowWindow window = row_window_of(graph, op);
  const Shape& input = graph.input_of(op).shape;
  if (accumulates(graph, op)) return kCall + kPerSum * input.channels;
  const double again =
      std::max(window.span - window.stride, 0) * double(input.width) * input.channels;
  if (traits_of(op.kind).scratch != ScratchKind::kRows) return kCall + kPerMovedByte * again;
  return kCall + kPerChannel * input.channels + (kPerGatherValue + kPerMovedByte) * again;
}

// What kernels pay over all bands for having the least scratch.
double instructions_by_little_scratch(const Graph& graph, const Op& op, const BandStage& stage) {
  const Shape& output = graph.output_of(op).shape;
  switch (faster_way(graph, op, stage.rows_per_band)) {
    case FasterWay::kNone:
      return 0;
    case FasterWay::kFourColumns:
      return kInstructionsSavedPerMac * static_cast<double>(output.elements()) *
             static_cast<double>(weight_layout(graph, op).per_output());
    case FasterWay::kWholePlanes: {
      const RowWindow window = row_window_of(graph, op);
      const double bands = double(output.height) / stage.rows_per_band;
      const double inputs = bands * ((stage.rows_per_band - 1) * window.stride + window.span);
      return output.channels * (kRingPerInputRow * inputs + kRingPerOutputRow * output.height);
    }
  }
  return 0;
}

// What a convolution pays more for each position that four columns leave over.
double instructions_per_rest(const Graph& graph, const Op& op) {
  if (traits_of(op.kind).scratch != ScratchKind::kColumns) return 0;
  return 0.7 * static_cast<double>(weight_layout(graph, op).elements());
}

// Of the tensors that are alive in the step and have memory of their own.
std::int64_t tensor_bytes(const Graph& graph, const Step& step) {
  const OpId end = step.first_op + step.op_count;
  std::vector<std::int32_t> first(graph.tensors.size(), 0);
  std::vector<std::int32_t> last(graph.tensors.size(), 0);
  for (OpId id = 0; id < static_cast<OpId>(graph.ops.size()); ++id) {
    const Op& op = graph.ops[id];
    first[op.output] = last[op.output] = id;
    for (const TensorId input : graph.inputs_of(op)) last[input] = id;
  }
  for (const TensorId output : graph.outputs) last[output] = static_cast<OpId>(graph.ops.size());
  for (const TensorId input : graph.inputs) first[input] = -1;
  std::int64_t bytes = 0;
  for (std::size_t id = 0; id < graph.tensors.size(); ++id) {
    const bool is_pulled = step.pulls_input && static_cast<TensorId>(id) == graph.inputs[0];
    const bool is_inside =
        is_pulled || (first[id] >= step.first_op && first[id] + 1 < end && last[id] < end);
    const bool is_alive = first[id] < end && last[id] >= step.first_op;
    const bool is_kept = graph.state_in_place(static_cast<TensorId>(id)) != kNoId;
    if (is_alive && !is_inside && !is_kept) bytes += aligned(graph.tensors[id].bytes());
  }
  return bytes;
}

// What the step needs beside them, less what its output takes over.
std::int64_t own_bytes(const Graph& graph, const Step& step, const ScheduleOptions& options) {
  const std::int64_t saved = step.overlaps ? find_overlap(graph, step).saved_bytes : 0;
  if (step.is_in_bands()) {
    const RowBands bands = plan_row_bands(graph, step);
    return bands.buffer_bytes + aligned(kernel_scratch_bytes(graph, step, bands)) - saved;
  }
  const Op& op = graph.ops[step.first_op];
  const std::int64_t scratch = aligned(step.has_fast_scratch ? fastest_scratch_bytes(graph, op)
                                                             : least_scratch_bytes(graph, op));
  const TensorId overwritten = make_schedule(graph, one_by_one(options)).in_place_of[op.output];
  if (step.overlaps || overwritten == kNoId) return scratch - saved;
  return scratch - std::min(aligned(graph.tensors[overwritten].bytes()),
                            aligned(graph.output_of(op).bytes()));
}

}  // namespace

std::int64_t live_bytes_of_step(const Graph& graph, const Step& step,
                                const ScheduleOptions& options) {
  return tensor_bytes(graph, step) + own_bytes(graph, step, options);
}

double band_instructions(const Graph& graph, const Step& step) {
  double sum = 0;
  if (step.overlaps) {
    const Overlap overlap = find_overlap(graph, step);
    sum += kPerMovedByte * static_cast<double>(graph.tensors[overlap.input].bytes());
  }
  if (!step.is_in_bands()) {
    return step.has_fast_scratch ? sum : sum + saved_instructions(graph, graph.ops[step.first_op]);
  }
  const RowBands bands = plan_row_bands(graph, step);
  for (std::size_t i = 0; i < bands.stages.size(); ++i) {
    const Op& op = graph.ops[step.first_op + static_cast<OpId>(i)];
    const std::int32_t height = band_height(graph, op);
    const std::int32_t width = graph.output_of(op).shape.width;
    const std::int32_t rows = std::min(bands.stages[i].rows_per_band, height);
    const std::int32_t count = (height + rows - 1) / rows;
    const std::int32_t left_over = count * (rows * width % 4);
    const std::int32_t least = height * width % 4;
    sum += count * instructions_per_band(graph, op) +
           std::max(left_over - least, 0) * instructions_per_rest(graph, op);
    if (!step.has_fast_scratch) sum += instructions_by_little_scratch(graph, op, bands.stages[i]);
  }
  return sum;
}

double choose_bands(const Graph& graph, const ScheduleOptions& options, std::int64_t limit,
                    Step& step) {
  const std::int32_t height = band_height(graph, graph.ops[step.first_op + step.op_count - 1]);
  const std::int64_t room = limit - tensor_bytes(graph, step);
  double least = std::numeric_limits<double>::infinity();
  Step tried = step;
  for (tried.band_rows = 1; tried.band_rows <= height; ++tried.band_rows) {
    // Of high bands the output is too far ahead to follow the input.
    tried.overlaps = tried.overlaps && find_overlap(graph, tried).input != kNoId;
    for (const bool is_fast : {true, false}) {
      tried.has_fast_scratch = is_fast;
      if (own_bytes(graph, tried, options) > room) {
        if (!is_fast) return least;
        continue;
      }
      const double cost = band_instructions(graph, tried);
      if (cost >= least) continue;
      least = cost;
      step = tried;
    }
  }
  return least;
}

}  // namespace mcunet::engine
