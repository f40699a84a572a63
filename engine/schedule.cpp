#include "mcunet/engine/schedule.hpp"

#include <algorithm>

namespace mcunet::engine {
namespace {

// The operand that an operator may overwrite, or kNoId: it must die here and hold the output.
TensorId overwritable_input(const Graph& graph, const Op& op, const ScheduleOptions& options,
                            std::span<const OpId> last_use, OpId op_id) {
  const bool allowed = (op.kind == OpKind::kDepthwiseConv2d && options.in_place_depthwise) ||
                       (op.kind == OpKind::kAdd && options.in_place_add);
  if (!allowed) return kNoId;
  const Tensor& output = graph.output_of(op);
  // The operand made first is taken: the residual stream of a stage then stays where it is.
  TensorId best = kNoId;
  for (TensorId input : graph.inputs_of(op)) {
    const Tensor& tensor = graph.tensors[input];
    const bool fits = tensor.type == output.type && tensor.bytes() >= output.bytes() &&
                      tensor.shape.channels == output.shape.channels;
    if (fits && last_use[input] == op_id && (best == kNoId || input < best)) best = input;
  }
  return best;
}

}  // namespace

ScheduleOptions options_of(SchedulePolicy policy) {
  const bool in_place = policy == SchedulePolicy::kInPlace;
  return {.in_place_depthwise = in_place, .in_place_add = in_place};
}

void make_schedule(const Graph& graph, const ScheduleOptions& options, Schedule& schedule) {
  const auto op_count = static_cast<OpId>(graph.ops.size());
  schedule.steps.clear();
  schedule.in_place_of.assign(graph.tensors.size(), kNoId);

  thread_local std::vector<OpId> last_use;
  last_use.assign(graph.tensors.size(), kNoId);
  for (OpId id = 0; id < op_count; ++id) {
    for (TensorId input : graph.inputs_of(graph.ops[id])) last_use[input] = id;
  }
  for (TensorId output : graph.outputs) last_use[output] = op_count;

  for (OpId id = 0; id < op_count; ++id) {
    const Op& op = graph.ops[id];
    schedule.steps.push_back({id, 1});
    schedule.in_place_of[op.output] = overwritable_input(graph, op, options, last_use, id);
  }
}

Schedule make_schedule(const Graph& graph, const ScheduleOptions& options) {
  Schedule schedule;
  make_schedule(graph, options, schedule);
  return schedule;
}

void find_lifetimes(const Graph& graph, std::span<const Step> steps,
                    std::vector<Lifetime>& lifetimes) {
  lifetimes.assign(graph.tensors.size(), {});
  const auto step_count = static_cast<std::int32_t>(steps.size());
  for (std::int32_t step = 0; step < step_count; ++step) {
    const OpId end = steps[step].first_op + steps[step].op_count;
    for (OpId id = steps[step].first_op; id < end; ++id) {
      const Op& op = graph.ops[id];
      for (TensorId input : graph.inputs_of(op)) lifetimes[input].last_step = step;
      lifetimes[op.output] = {step, step};
    }
  }
  for (TensorId output : graph.outputs) lifetimes[output].last_step = std::max(step_count - 1, 0);
}

}  // namespace mcunet::engine
