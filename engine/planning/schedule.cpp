#include "mcunet/engine/planning/schedule.hpp"

#include <algorithm>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/operator_table.hpp"
#include "mcunet/engine/planning/row_bands.hpp"
#include "mcunet/engine/planning/streaming_schedule.hpp"

namespace mcunet::engine {
namespace {

template <typename Tensors>
bool contains(const Tensors& tensors, TensorId tensor) {
  return std::find(tensors.begin(), tensors.end(), tensor) != tensors.end();
}

// Whether the operators of the step, and they alone, use the output of one of them.
bool is_used_up(const Graph& graph, std::span<const Op> ops, TensorId output) {
  return !contains(graph.outputs, output) && std::any_of(ops.begin(), ops.end(), [&](const Op& op) {
    return contains(graph.inputs_of(op), output);
  });
}

void find_lifetimes(const Graph& graph, std::span<const Step> steps,
                    std::vector<Lifetime>& lifetimes) {
  lifetimes.assign(graph.tensors.size(), {});
  const auto step_count = static_cast<std::int32_t>(steps.size());
  for (std::int32_t index = 0; index < step_count; ++index) {
    for (const Op& op : ops_of(graph, steps[index])) {
      for (TensorId input : graph.inputs_of(op)) lifetimes[input].last_step = index;
      lifetimes[op.output].first_step = lifetimes[op.output].last_step = index;
    }
  }
  for (TensorId output : graph.outputs) lifetimes[output].last_step = std::max(step_count - 1, 0);
  for (const TensorId state : graph.state_inputs()) {
    lifetimes[state].is_kept = graph.state_in_place(state) != kNoId;
  }
  if (!steps.empty() && steps.front().pulls_input) {
    lifetimes[graph.inputs[0]].is_within_step = true;
  }
  if (steps.size() == graph.ops.size()) return;  // one operator each
  for (std::int32_t index = 0; index < step_count; ++index) {
    if (steps[index].op_count == 1) continue;
    const std::span<const Op> ops = ops_of(graph, steps[index]);
    for (const Op& op : ops) {
      Lifetime& lifetime = lifetimes[op.output];
      lifetime.is_within_step = lifetime.last_step == index && is_used_up(graph, ops, op.output);
    }
  }
}

bool may_overwrite(const Op& op, const ScheduleOptions& options) {
  switch (Overwriting{traits_of(op.kind).overwriting}) {
    case Overwriting::kNever:
      return false;
    case Overwriting::kElementwise:
      return options.in_place_elementwise;
    case Overwriting::kChannelwise:
      return options.in_place_depthwise && has_in_place_kernel(op);
  }
  return false;
}

// Elementwise: as many values, of no more bytes. Channelwise: each output channel lies within its
// input channel.
bool can_hold(const Tensor& input, const Tensor& output, Overwriting overwriting) {
  if (overwriting == Overwriting::kElementwise) {
    return input.shape.elements() == output.shape.elements() && input.bytes() >= output.bytes();
  }
  return input.type == output.type && input.shape.channels == output.shape.channels &&
         input.shape.height >= output.shape.height && input.shape.width >= output.shape.width;
}

// The operand whose memory the output takes over, or kNoId: it must die in this step and be no
// smaller. Of several the one made first is taken: the residual stream of a stage then stays where
// it is.
TensorId overwritten_input(const Graph& graph, const Op& op, std::int32_t step,
                           const std::vector<Lifetime>& lifetimes) {
  const Tensor& output = graph.output_of(op);
  TensorId best = kNoId;
  for (TensorId input : graph.inputs_of(op)) {
    const bool is_dying = lifetimes[input].last_step == step;
    const bool is_output = contains(graph.outputs, input);
    if (can_hold(graph.tensors[input], output, traits_of(op.kind).overwriting) && is_dying &&
        !is_output && (best == kNoId || input < best))
      best = input;
  }
  return best;
}

bool narrows(const Graph& graph, const Op& op) {
  return graph.output_of(op).type == DataType::kInt4 && graph.input_of(op).type == DataType::kInt8;
}

// Lifetimes and what is overwritten, of the schedule's steps.
void find_memory(const Graph& graph, const ScheduleOptions& options, Schedule& schedule) {
  find_lifetimes(graph, schedule.steps, schedule.lifetimes);
  schedule.in_place_of.assign(graph.tensors.size(), kNoId);
  schedule.headroom.assign(graph.tensors.size(), 0);
  for (std::size_t index = 0; index < schedule.steps.size(); ++index) {
    const Step& step = schedule.steps[index];
    if (step.overlaps) {
      const Overlap overlap = find_overlap(graph, step);
      const TensorId output = ops_of(graph, step).back().output;
      schedule.in_place_of[output] = overlap.input;
      schedule.headroom[output] = overlap.headroom_bytes;
      continue;
    }
    if (step.is_in_bands()) continue;
    const Op& op = graph.ops[step.first_op];
    if (may_overwrite(op, options)) {
      schedule.in_place_of[op.output] =
          overwritten_input(graph, op, static_cast<std::int32_t>(index), schedule.lifetimes);
    }
  }
}

}  // namespace

std::string_view name_of(SchedulePolicy policy) {
  switch (policy) {
    case SchedulePolicy::kTflm:
      return "tflm";
    case SchedulePolicy::kOpByOp:
      return "op-by-op";
    case SchedulePolicy::kInPlace:
      return "in-place";
    case SchedulePolicy::kStreaming:
      return "streaming";
  }
  return "";
}

ScheduleOptions options_of(SchedulePolicy policy) {
  const bool in_place = policy == SchedulePolicy::kInPlace || policy == SchedulePolicy::kStreaming;
  return {.in_place_depthwise = in_place,
          .in_place_elementwise = in_place,
          .in_place_narrowing = in_place,
          .streams = policy == SchedulePolicy::kStreaming};
}

std::string describe(const Graph& graph, const Step& step) {
  std::string text;
  for (const Op& op : ops_of(graph, step)) text += (text.empty() ? "" : " + ") + describe(op);
  return text;
}

void make_schedule(const Graph& graph, const ScheduleOptions& options, Schedule& schedule) {
  if (options.streams) {
    StreamingScheduler scheduler;
    return make_schedule(graph, scheduler.schedule(graph, options).steps, options, schedule);
  }
  schedule.steps.clear();
  for (OpId id = 0; id < static_cast<OpId>(graph.ops.size()); ++id) {
    Step step{.first_op = id};
    step.overlaps = options.in_place_narrowing && narrows(graph, graph.ops[id]) &&
                    find_overlap(graph, step).input != kNoId;
    schedule.steps.push_back(step);
  }
  find_memory(graph, options, schedule);
}

Schedule make_schedule(const Graph& graph, const ScheduleOptions& options) {
  Schedule schedule;
  make_schedule(graph, options, schedule);
  return schedule;
}

void make_schedule(const Graph& graph, std::span<const Step> steps, const ScheduleOptions& options,
                   Schedule& schedule) {
  OpId next = 0;
  for (const Step& step : steps) {
    if (step.first_op != next || step.op_count < 1)
      throw Error("steps that skip operator {}", next);
    next += step.op_count;
  }
  if (next != static_cast<OpId>(graph.ops.size())) {
    throw Error("steps of {} operators for a graph of {}", next, graph.ops.size());
  }
  schedule.steps.assign(steps.begin(), steps.end());
  find_memory(graph, options, schedule);
}

Schedule make_schedule(const Graph& graph, std::span<const Step> steps,
                       const ScheduleOptions& options) {
  Schedule schedule;
  make_schedule(graph, steps, options, schedule);
  return schedule;
}

}  // namespace mcunet::engine
