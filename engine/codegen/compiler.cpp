#include "mcunet/engine/codegen/compiler.hpp"

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/dead_channels.hpp"
#include "mcunet/engine/graph/graph_passes.hpp"
#include "mcunet/engine/graph/graph_validator.hpp"
#include "mcunet/engine/planning/streaming_schedule.hpp"
#include "mcunet/engine/reference/reference_executor.hpp"

namespace mcunet::engine {
namespace {

void check_types(const Graph& graph, Borders borders) {
  for (std::size_t id = 0; id < graph.tensors.size(); ++id) {
    const DataType type = graph.tensors[id].type;
    if (graph.state_in_place(static_cast<TensorId>(id)) != kNoId) continue;
    if (type == DataType::kInt16 || type == DataType::kInt32) {
      throw Error("a tensor within the network is neither int8, uint8 nor float");
    }
  }
  if (borders == Borders::kInvoke) return;
  for (const auto& tensors : {graph.given_inputs(), graph.told_outputs()}) {
    for (TensorId id : tensors) {
      if (graph.tensors[id].type == DataType::kInt8) continue;
      throw Error(
          "'{}' has no int8 form that the caller could deal in; let model_invoke() convert it "
          "(--borders invoke)",
          graph.info_of(id).name);
    }
  }
}

void check_class_names(const Graph& graph, const std::vector<std::string>& names) {
  const Shape& output = graph.tensors[graph.outputs[0]].shape;
  const std::int64_t values = std::int64_t{output.height} * output.width * output.channels;
  if (names.empty() || static_cast<std::int64_t>(names.size()) == values) return;
  throw Error("there are {} names of classes, but output 0 has {} values", names.size(), values);
}

void check_pulled_input(const Graph& graph, const CompileOptions& options) {
  if (!options.schedule.pulls_input) {
    if (options.input_format) throw Error("an input of pixels must come in rows");
    return;
  }
  if (!options.schedule.streams) throw Error("an input comes in rows only to what streams");
  if (!graph.states.empty())
    throw Error("what keeps state between inferences takes no input in rows");
  if (graph.inputs.size() != 1 || graph.tensors[graph.inputs[0]].type != DataType::kInt8) {
    throw Error("only a single input of int8 can come in rows");
  }
  if (!options.staging_bytes.empty()) throw Error("features cannot come in rows");
  if (options.input_format) {
    check_pixels(*options.input_format, graph.tensors[graph.inputs[0]].shape);
  }
}

}  // namespace

std::string_view name_of(Borders borders) {
  return borders == Borders::kInvoke ? "invoke" : "caller";
}

Borders borders_named(std::string_view name) {
  for (const Borders borders : {Borders::kCaller, Borders::kInvoke}) {
    if (name == name_of(borders)) return borders;
  }
  throw Error("borders: must be caller or invoke, is {}", name);
}

Graph prepare_graph(const Graph& graph, const CompileOptions& options) {
  validate_graph(graph);
  Graph result = graph;
  if (options.borders == Borders::kCaller) result = strip_float_borders(retype_uint8(result));
  if (options.fuses_padding) result = fold_padding(result);
  check_types(result, options.borders);
  if (result.ops.empty()) throw Error("has no operators besides conversions at its borders");
  if (options.folds_dead_channels) {
    result = fold_dead_channels(result, contents_of_zeros(result));
  }
  return result;
}

CompiledGraph compile_graph(const Graph& graph, const CompileOptions& options) {
  CompiledGraph compiled;
  compiled.options = options;
  compiled.graph = prepare_graph(graph, options);
  check_class_names(compiled.graph, options.class_names);
  check_pulled_input(compiled.graph, options);
  ScheduleOptions schedule = options.schedule;
  // Only specialised kernels work in place.
  schedule.in_place_depthwise = schedule.in_place_depthwise && options.specializes_kernels;
  if (options.scratch_growth == ScratchGrowth::kWithinBudget && !schedule.streaming_bytes) {
    schedule.streaming_bytes = options.sram_budget_bytes;
  }
  ArenaOptions arena_options{.growth = options.scratch_growth,
                             .budget_bytes = options.sram_budget_bytes,
                             .staging_bytes = options.staging_bytes};
  // What the specialised kernels would do with more memory, the general ones do not.
  if (!options.specializes_kernels) arena_options.budget_bytes.reset();
  const auto plan_steps = [&](std::span<const Step> steps) {
    make_schedule(compiled.graph, steps, schedule, compiled.schedule);
    compiled.arena = plan_arena(compiled.graph, compiled.schedule, arena_options);
    return compiled.arena.plan.arena_bytes;
  };
  if (schedule.streams) {
    plan_steps(StreamingScheduler().schedule_in_arena(compiled.graph, schedule, plan_steps).steps);
  } else {
    make_schedule(compiled.graph, schedule, compiled.schedule);
    compiled.arena = plan_arena(compiled.graph, compiled.schedule, arena_options);
  }
  return compiled;
}

}  // namespace mcunet::engine
