#include "mcunet/engine/planning/row_bands.hpp"

#include <algorithm>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/operator_table.hpp"
#include "mcunet/engine/graph/shape_inference.hpp"

namespace mcunet::engine {
namespace {

bool is_int8(const Graph& graph, TensorId tensor) {
  return graph.tensors[tensor].type == DataType::kInt8;
}

// A constant that is the same for every row: one value, one per channel, or one row.
bool repeats_by_row(const Shape& operand, const Shape& output) {
  return operand.elements() == 1 || (operand.height == 1 && operand.channels == output.channels &&
                                     (operand.width == 1 || operand.width == output.width));
}

bool is_elementwise(const Graph& graph, const Op& op) {
  const Shape& output = graph.output_of(op).shape;
  const OpDetails& details = graph.details_of(op);
  if (details.operand != kNoId) {
    const Shape operand = shape_of_dims(graph.constants[details.operand].dims);
    // The kernel's second operand is the one that repeats.
    const bool is_second = !details.operand_is_first || op.kind != OpKind::kSub;
    if (!is_second || !repeats_by_row(operand, output)) return false;
  }
  return std::all_of(graph.inputs_of(op).begin(), graph.inputs_of(op).end(),
                     [&](TensorId input) { return graph.tensors[input].shape == output; });
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
    const Demand demand = demand_of(row_window_of(ops[i]), reader);
    for (const TensorId input : graph.inputs_of(ops[i])) {
      const std::int32_t source = stage_of(graph, step, input);
      if (source != kNoId) add_demand(demand, bands.stages[source]);
    }
  }
}

std::int32_t divided_up(std::int32_t value, std::int32_t divisor) {
  return value > 0 ? (value + divisor - 1) / divisor : 0;
}

}  // namespace

bool works_in_bands(const Graph& graph, const Op& op) {
  if (!is_int8(graph, op.output)) return false;
  for (const TensorId input : graph.inputs_of(op)) {
    if (!is_int8(graph, input)) return false;
  }
  switch (RowFlow{traits_of(op.kind).rows}) {
    case RowFlow::kNone:
      return false;
    case RowFlow::kWindow:
      return slides_within(op);
    case RowFlow::kElementwise:
      return is_elementwise(graph, op);
  }
  return false;
}

RowWindow row_window_of(const Op& op) {
  if (traits_of(op.kind).rows != RowFlow::kWindow) return {};
  return {op.window.padding.top, op.window.extent_height(), op.window.stride_height};
}

RowBands plan_row_bands(const Graph& graph, const Step& step) {
  const std::span<const Op> ops = ops_of(graph, step);
  RowBands bands;
  bands.stages.resize(ops.size());
  find_paces(graph, step, bands);
  for (std::size_t i = 0; i < ops.size(); ++i) {
    BandStage& stage = bands.stages[i];
    const Tensor& output = graph.output_of(ops[i]);
    bands.first_band = std::min(bands.first_band, -divided_up(stage.lead, stage.rows_per_band));
    stage.is_whole = i + 1 == ops.size() || is_read_outside(graph, step, ops[i].output);
    stage.held_rows = output.shape.height;
    if (stage.is_whole) continue;
    // Rows between bands that no window reads are made, and may be overwritten at once.
    stage.kept = std::min(stage.kept, stage.lead);
    stage.held_rows = std::min(stage.held_rows, stage.rows_per_band + stage.lead - stage.kept);
    stage.buffer_offset = bands.buffer_bytes;
    bands.buffer_bytes += (row_bytes_of(output) * stage.held_rows + 3) & ~std::int64_t{3};
  }
  bands.end_band = divided_up(graph.output_of(ops.back()).shape.height, step.band_rows);
  return bands;
}

std::int64_t row_bytes_of(const Tensor& tensor) {
  return bytes_of_elements(std::int64_t{tensor.shape.width} * tensor.shape.channels, tensor.type);
}

}  // namespace mcunet::engine
