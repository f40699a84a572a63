#include "mcunet/engine/planning/row_bands.hpp"

#include <algorithm>
#include <optional>

#include "kernels/mcunet_kernels.h"
#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/operator_table.hpp"
#include "mcunet/engine/graph/shape_inference.hpp"

namespace mcunet::engine {
namespace {

// The planner's alignment.
std::int64_t aligned(std::int64_t bytes) { return (bytes + 3) & ~std::int64_t{3}; }

bool is_int8(const Graph& graph, TensorId tensor) {
  return graph.tensors[tensor].type == DataType::kInt8;
}

bool is_int4(const Graph& graph, TensorId tensor) {
  return graph.tensors[tensor].type == DataType::kInt4;
}

// All activations.
bool are_int8(const Graph& graph, const Op& op) {
  const std::span<const TensorId> inputs = graph.inputs_of(op);
  return is_int8(graph, op.output) &&
         std::all_of(inputs.begin(), inputs.end(), [&](TensorId id) { return is_int8(graph, id); });
}

// A constant that is the same for every row: one value, one per channel, or one row.
bool repeats_by_row(const Shape& operand, const Shape& output) {
  return operand.elements() == 1 || (operand.height == 1 && operand.channels == output.channels &&
                                     (operand.width == 1 || operand.width == output.width));
}

// The same rows of each input, side by side.
bool concatenates_rows(const Graph& graph, const Op& op) {
  const std::span<const TensorId> inputs = graph.inputs_of(op);
  return graph.details_of(op).axis != Axis::kHeight && inputs.size() <= MCUNET_BAND_INPUTS;
}

bool is_elementwise(const Graph& graph, const Op& op) {
  if (op.kind == OpKind::kConcatenation) return concatenates_rows(graph, op);
  const Shape& output = graph.output_of(op).shape;
  const OpDetails& details = graph.details_of(op);
  // The kernel's second operand is the one that repeats.
  const auto may_repeat = [&](bool is_first, const Shape& operand) {
    return (!is_first || commutes(op.kind)) && repeats_by_row(operand, output);
  };
  int repeating = 0;
  if (details.operand != kNoId) {
    ++repeating;
    const Shape operand = shape_of_dims(graph.constants[details.operand].dims);
    if (!may_repeat(details.operand_is_first, operand)) return false;
  }
  const std::span<const TensorId> inputs = graph.inputs_of(op);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Shape& input = graph.tensors[inputs[i]].shape;
    if (input == output) continue;
    ++repeating;
    if (!may_repeat(i == 0, input) || is_int4(graph, op.output)) return false;
  }
  return repeating <= 1;
}

// One window over all of the map.
bool averages_all(const Graph& graph, const Op& op) {
  const Shape& input = graph.input_of(op).shape;
  const Shape& output = graph.output_of(op).shape;
  const Window& w = op.window;
  return op.kind == OpKind::kAveragePool2d && output.height == 1 && output.width == 1 &&
         are_int8(graph, op) && w.kernel_height - w.padding.top >= input.height &&
         w.kernel_width - w.padding.left >= input.width;
}

bool is_mean_of_pixels(const Graph& graph, const Op& op) {
  return graph.details_of(op).reduced == std::array{true, true, false};
}

// Every window has a row of the map.
bool slides_within(const Op& op) {
  const Window& w = op.window;
  return w.padding.top < w.extent_height() && w.padding.bottom < w.extent_height();
}

// What its readers within the step need of a tensor.
struct Demand {
  std::int32_t rows_per_band = 0;
  std::int32_t lead = 0;
  std::int32_t kept = 0;
};

// What the reader of a tensor needs of it, to make what is needed of the reader.
Demand demand_of(const RowWindow& window, const BandStage& reader) {
  const std::int32_t next = window.stride * reader.lead - window.pad;
  return {window.stride * reader.rows_per_band, next + window.span - window.stride, next};
}

// What several readers need together.
void add_demand(const Demand& demand, BandStage& stage) {
  if (stage.rows_per_band == 0) {
    stage.rows_per_band = demand.rows_per_band;
    stage.lead = demand.lead;
    stage.kept = demand.kept;
    return;
  }
  if (stage.rows_per_band != demand.rows_per_band) {
    throw Error("operators that need a tensor's rows at different paces are no step");
  }
  stage.lead = std::max(stage.lead, demand.lead);
  stage.kept = std::min(stage.kept, demand.kept);
}

// The operator of the step that makes the tensor, or kNoId.
std::int32_t stage_of(const Graph& graph, const Step& step, TensorId tensor) {
  const std::span<const Op> ops = ops_of(graph, step);
  for (std::size_t i = 0; i < ops.size(); ++i) {
    if (ops[i].output == tensor) return static_cast<std::int32_t>(i);
  }
  return kNoId;
}

bool is_read_outside(const Graph& graph, const Step& step, TensorId tensor) {
  const auto is_it = [&](TensorId other) { return other == tensor; };
  if (std::any_of(graph.outputs.begin(), graph.outputs.end(), is_it)) return true;
  for (std::size_t id = step.first_op + step.op_count; id < graph.ops.size(); ++id) {
    const std::span<const TensorId> inputs = graph.inputs_of(graph.ops[id]);
    if (std::any_of(inputs.begin(), inputs.end(), is_it)) return true;
  }
  return false;
}

bool reads(const Graph& graph, const Op& op, TensorId tensor) {
  const std::span<const TensorId> inputs = graph.inputs_of(op);
  return std::find(inputs.begin(), inputs.end(), tensor) != inputs.end();
}

// What the step needs of a tensor that is there before; nothing if its operators need it at different paces,
// or all of it all the time.
std::optional<Demand> demand_on(const Graph& graph, std::span<const Op> ops, const RowBands& bands,
                                TensorId tensor) {
  std::optional<Demand> all;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    if (!reads(graph, ops[i], tensor)) continue;
    if (repeats_input(graph, ops[i], tensor)) return std::nullopt;
    const Demand demand = demand_of(row_window_of(graph, ops[i]), bands.stages[i]);
    if (!all) all = demand;
    if (all->rows_per_band != demand.rows_per_band) return std::nullopt;
    all->lead = std::max(all->lead, demand.lead);
    all->kept = std::min(all->kept, demand.kept);
  }
  return all;
}

HeldRows rows_of(const BandStage& stage) { return {stage.rows_per_band, stage.lead, stage.kept}; }

// Rows of the tensor that are held between bands, behind those of the tensors before it.
void hold_rows(const Tensor& tensor, BandStage& stage, RowBands& bands) {
  // Rows that no window reads are made, and may be overwritten at once.
  stage.kept = std::min(stage.kept, stage.lead);
  stage.held_rows = std::min(tensor.shape.height, rows_of(stage).count());
  stage.buffer_offset = bands.buffer_bytes;
  bands.buffer_bytes += aligned(row_bytes_of(tensor) * stage.held_rows);
}

// What holds the tensor within the step, if anything does.
BandStage* holder_of(const Graph& graph, const Step& step, TensorId tensor, RowBands& bands) {
  if (bands.input && tensor == graph.inputs[0]) return &*bands.input;
  const std::int32_t source = stage_of(graph, step, tensor);
  return source == kNoId || bands.stages[source].is_whole ? nullptr : &bands.stages[source];
}

// The same, of an operator's output: in the place of an input, if that can be. Of several, of the one made last.
void hold_output(const Graph& graph, const Step& step, const Op& op, BandStage& stage,
                 RowBands& bands) {
  const Tensor& output = graph.output_of(op);
  const std::span<const Op> ops = ops_of(graph, step);
  const RowReuse reuse = step.reuses_rows ? row_reuse_of(graph, op) : RowReuse::kNone;
  BandStage* taken = nullptr;
  std::int32_t of = kNoId;
  for (const TensorId input : graph.inputs_of(op)) {
    BandStage* const held = holder_of(graph, step, input, bands);
    const std::int32_t source = stage_of(graph, step, input);
    if (held == nullptr || source < of) continue;
    const auto readers = std::count_if(ops.begin(), ops.end(),
                                       [&](const Op& other) { return reads(graph, other, input); });
    if (readers != 1 ||
        !takes_rows(reuse, graph.tensors[input], rows_of(*held), output, rows_of(stage))) {
      continue;
    }
    taken = held;
    of = source;
  }
  if (taken == nullptr) return hold_rows(output, stage, bands);
  if (reuse == RowReuse::kByChannel) taken->holds_padding = true;
  stage.reuse = reuse;
  stage.kept = stage.lead;
  stage.held_rows = std::min(output.shape.height, stage.rows_per_band);
  stage.buffer_offset = taken->buffer_offset;
}

// The most that the output is ahead of the first row that is still needed, over all bands in which one is:
// it grows until rows are done with, and changes by as much in every band from then on.
std::int64_t headroom_of(const RowTraffic& t) {
  const std::int32_t pace = t.input_rows_per_band;
  const std::int32_t later = t.is_read_last ? 0 : 1;
  const auto floor_divided = [&](std::int32_t value) {
    return value >= 0 ? value / pace : -((-value + pace - 1) / pace);
  };
  const std::int32_t last_band = (t.output_height + t.band_rows - 1) / t.band_rows - 1;
  // The last bands before the first row is done with, and before the last one is.
  const std::int32_t none_done = floor_divided(-t.input_kept) - later;
  const std::int32_t some_left = floor_divided(t.input_height - 1 - t.input_kept) - later;
  const std::int32_t last = std::min(last_band, some_left);
  std::int64_t most = 0;
  for (const std::int32_t candidate : {none_done, none_done + 1, last - 1, last}) {
    const std::int32_t band = std::min(std::max(candidate, 0), last);
    if (band < 0) continue;
    const std::int64_t written =
        std::min(t.output_height, t.band_rows * (band + 1)) * t.output_row_bytes;
    const std::int32_t done = std::max(pace * (band + later) + t.input_kept, 0);
    most = std::max(most, written - done * t.input_row_bytes);
  }
  return aligned(most);
}

// Paces, from the last operator to the first.
void find_paces(const Graph& graph, const Step& step, RowBands& bands) {
  const std::span<const Op> ops = ops_of(graph, step);
  bands.stages.back().rows_per_band = step.band_rows;
  for (std::size_t i = ops.size(); i-- > 0;) {
    const BandStage& reader = bands.stages[i];
    if (!works_in_bands(graph, ops[i])) {
      throw Error("{} does not work in bands of rows", describe(ops[i]));
    }
    if (reader.rows_per_band == 0) {
      throw Error("{} makes nothing for the last operator of its step", describe(ops[i]));
    }
    if (i + 1 != ops.size() && accumulates(graph, ops[i])) {
      throw Error("{} has nothing for the operators after it before the end", describe(ops[i]));
    }
    const Demand demand = demand_of(row_window_of(graph, ops[i]), reader);
    for (const TensorId input : graph.inputs_of(ops[i])) {
      const std::int32_t source = stage_of(graph, step, input);
      if (source == kNoId) continue;
      if (repeats_input(graph, ops[i], input)) {
        throw Error("{} needs all of an input for every row", describe(ops[i]));
      }
      add_demand(demand, bands.stages[source]);
    }
  }
}

std::int32_t divided_up(std::int32_t value, std::int32_t divisor) {
  return value > 0 ? (value + divisor - 1) / divisor : 0;
}

}  // namespace

bool works_in_bands(const Graph& graph, const Op& op) {
  const auto is_either = [&](TensorId id) { return is_int8(graph, id) || is_int4(graph, id); };
  const std::span<const TensorId> inputs = graph.inputs_of(op);
  if (!is_either(op.output) || !std::all_of(inputs.begin(), inputs.end(), is_either)) return false;
  switch (RowFlow{traits_of(op.kind).rows}) {
    case RowFlow::kNone:
      return false;
    case RowFlow::kWindow:
      return slides_within(op) || averages_all(graph, op);
    case RowFlow::kElementwise:
      return is_elementwise(graph, op);
    case RowFlow::kReduction:
      return is_mean_of_pixels(graph, op) && are_int8(graph, op);
  }
  return false;
}

bool accumulates(const Graph& graph, const Op& op) {
  return traits_of(op.kind).rows == RowFlow::kReduction || averages_all(graph, op);
}

std::int64_t sum_bytes_of(const Graph& graph, const Op& op) {
  return std::int64_t{4} * graph.output_of(op).shape.channels;
}

bool repeats_input(const Graph& graph, const Op& op, TensorId input) {
  const OperatorTraits& traits = traits_of(op.kind);
  return traits.rows == RowFlow::kElementwise && traits.operands == OperandCount::kTwo &&
         graph.tensors[input].shape != graph.output_of(op).shape;
}

std::int32_t band_height(const Graph& graph, const Op& op) {
  return accumulates(graph, op) ? graph.input_of(op).shape.height
                                : graph.output_of(op).shape.height;
}

bool overwrites_rows(const Graph& graph, const Op& op) {
  const Window& w = op.window;
  return op.kind == OpKind::kConv2d && w.dilation_height == 1 && w.dilation_width == 1 &&
         works_in_bands(graph, op);
}

RowReuse row_reuse_of(const Graph& graph, const Op& op) {
  const Tensor& input = graph.input_of(op);
  const Tensor& output = graph.output_of(op);
  if (!works_in_bands(graph, op) || accumulates(graph, op)) return RowReuse::kNone;
  switch (Overwriting{traits_of(op.kind).overwriting}) {
    case Overwriting::kChannelwise: {
      const bool is_in_place = has_in_place_kernel(op) && input.type == output.type &&
                               input.shape.channels == output.shape.channels &&
                               input.shape.width >= output.shape.width;
      return is_in_place ? RowReuse::kByChannel : RowReuse::kNone;
    }
    case Overwriting::kElementwise:
      return RowReuse::kByPixel;
    case Overwriting::kNever:
      break;
  }
  // The kernel of 1x1 windows tells how it may overlap.
  const Window& w = op.window;
  const bool is_pointwise = overwrites_rows(graph, op) && w.kernel_height == 1 &&
                            w.kernel_width == 1 && w.stride_height == 1 && w.stride_width == 1 &&
                            w.padding == Padding{};
  return is_pointwise ? RowReuse::kByPixel : RowReuse::kNone;
}

bool takes_rows(RowReuse reuse, const Tensor& input, const HeldRows& input_rows,
                const Tensor& output, const HeldRows& output_rows) {
  if (output_rows.kept < output_rows.lead) return false;
  switch (reuse) {
    case RowReuse::kNone:
      return false;
    case RowReuse::kByChannel:
      // With room for rows above the map it holds no more than the whole map.
      return input_rows.count() <= input.shape.height &&
             output_rows.rows_per_band * row_bytes_of(output) <=
                 input_rows.rows_per_band * row_bytes_of(input);
    case RowReuse::kByPixel:
      return input_rows.kept >= input_rows.lead && input.type == output.type &&
             row_bytes_of(output) <= row_bytes_of(input);
  }
  return false;
}

RowWindow row_window_of(const Graph& graph, const Op& op) {
  if (traits_of(op.kind).rows != RowFlow::kWindow || accumulates(graph, op)) return {};
  return {op.window.padding.top, op.window.extent_height(), op.window.stride_height};
}

RowBands plan_row_bands(const Graph& graph, const Step& step) {
  const std::span<const Op> ops = ops_of(graph, step);
  if (step.op_count > kMostBandOps) {
    throw Error("{} operators in one step, of {} at most", step.op_count, kMostBandOps);
  }
  RowBands bands;
  bands.stages.resize(ops.size());
  find_paces(graph, step, bands);
  const auto begin_with = [&](const BandStage& stage) {
    bands.first_band = std::min(bands.first_band, -divided_up(stage.lead, stage.rows_per_band));
  };
  if (step.pulls_input) {
    const TensorId input = graph.inputs[0];
    const std::optional<Demand> demand = demand_on(graph, ops, bands, input);
    if (!demand || is_read_outside(graph, step, input)) {
      throw Error("the first step does not use up the input, row by row");
    }
    bands.input = BandStage{demand->rows_per_band, demand->lead, demand->kept};
    hold_rows(graph.tensors[input], *bands.input, bands);
    begin_with(*bands.input);
  }
  for (std::size_t i = 0; i < ops.size(); ++i) {
    BandStage& stage = bands.stages[i];
    begin_with(stage);
    stage.is_whole = i + 1 == ops.size() || is_read_outside(graph, step, ops[i].output);
    stage.held_rows = graph.output_of(ops[i]).shape.height;
    if (!stage.is_whole) hold_output(graph, step, ops[i], stage, bands);
    if (!accumulates(graph, ops[i])) continue;
    stage.buffer_offset = bands.buffer_bytes;
    bands.buffer_bytes += sum_bytes_of(graph, ops[i]);
  }
  bands.end_band = divided_up(band_height(graph, ops.back()), step.band_rows);
  return bands;
}

Overlap overlap_of(TensorId input, const RowTraffic& traffic) {
  const std::int64_t in = aligned(traffic.input_height * traffic.input_row_bytes);
  const std::int64_t out = aligned(traffic.output_height * traffic.output_row_bytes);
  const std::int64_t headroom = headroom_of(traffic);
  return {input, headroom, in + out - std::max(headroom + in, out)};
}

Overlap find_overlap(const Graph& graph, const Step& step) {
  const std::span<const Op> ops = ops_of(graph, step);
  Overlap best;
  if (!step.is_in_bands() && !overwrites_rows(graph, ops.front())) return best;
  if (step.is_in_bands() && accumulates(graph, ops.back())) return best;  // there is little to save
  const RowBands bands = plan_row_bands(graph, step);
  const Tensor& output = graph.output_of(ops.back());
  for (const TensorId input : graph.inputs_of(ops.front())) {
    const bool is_pulled = step.pulls_input && input == graph.inputs[0];
    if (is_pulled || is_read_outside(graph, step, input)) continue;
    const Tensor& tensor = graph.tensors[input];
    const std::optional<Demand> needed = demand_on(graph, ops, bands, input);
    if (!needed) continue;
    const Overlap overlap = overlap_of(input, {.band_rows = step.band_rows,
                                               .output_height = output.shape.height,
                                               .output_row_bytes = row_bytes_of(output),
                                               .input_rows_per_band = needed->rows_per_band,
                                               .input_kept = needed->kept,
                                               .input_height = tensor.shape.height,
                                               .input_row_bytes = row_bytes_of(tensor),
                                               .is_read_last = reads(graph, ops.back(), input)});
    if (overlap.saved_bytes > best.saved_bytes) best = overlap;
  }
  return best;
}

std::int64_t row_bytes_of(const Tensor& tensor) { return tensor.bytes() / tensor.shape.height; }

}  // namespace mcunet::engine
