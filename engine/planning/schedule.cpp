#include "mcunet/engine/planning/schedule.hpp"

#include <algorithm>

namespace mcunet::engine {
namespace {

// One operator a step.
void find_lifetimes(const Graph& graph, std::vector<Lifetime>& lifetimes) {
  lifetimes.assign(graph.tensors.size(), {});
  const auto step_count = static_cast<std::int32_t>(graph.ops.size());
  for (std::int32_t step = 0; step < step_count; ++step) {
    const Op& op = graph.ops[step];
    for (TensorId input : graph.inputs_of(op)) lifetimes[input].last_step = step;
    lifetimes[op.output] = {step, step};
  }
  for (TensorId output : graph.outputs) lifetimes[output].last_step = std::max(step_count - 1, 0);
}

bool is_elementwise(OpKind kind) {
  switch (kind) {
    case OpKind::kAdd:
    case OpKind::kSub:
    case OpKind::kMul:
    case OpKind::kRelu:
    case OpKind::kRelu6:
    case OpKind::kLogistic:
    case OpKind::kHardSwish:
    case OpKind::kQuantize:
    case OpKind::kSoftmax:
    case OpKind::kReshape:
      return true;
    default:
      return false;
  }
}

bool may_overwrite(const Op& op, const ScheduleOptions& options) {
  return op.kind == OpKind::kDepthwiseConv2d
             ? options.in_place_depthwise && has_in_place_kernel(op)
             : options.in_place_elementwise && is_elementwise(op.kind);
}

// Elementwise: as many values, of no more bytes. Depthwise: each output channel lies within its
// input channel.
bool can_hold(const Tensor& input, const Tensor& output, OpKind kind) {
  if (kind == OpKind::kQuantize) {
    return input.shape.elements() == output.shape.elements() && input.bytes() >= output.bytes();
  }
  if (input.type != output.type) return false;
  if (kind != OpKind::kDepthwiseConv2d) return input.shape.elements() == output.shape.elements();
  return input.shape.channels == output.shape.channels &&
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
    const bool is_output =
        std::find(graph.outputs.begin(), graph.outputs.end(), input) != graph.outputs.end();
    if (can_hold(graph.tensors[input], output, op.kind) && is_dying && !is_output &&
        (best == kNoId || input < best))
      best = input;
  }
  return best;
}

}  // namespace

bool has_in_place_kernel(const Op& depthwise) {
  const Window& w = depthwise.window;
  const bool is_square = w.kernel_height == w.kernel_width && w.stride_height == w.stride_width;
  const bool has_window = w.kernel_height == 3 || w.kernel_height == 5 || w.kernel_height == 7;
  const bool is_dilated = w.dilation_height != 1 || w.dilation_width != 1;
  return is_square && has_window && w.stride_height <= 2 && !is_dilated;
}

ScheduleOptions options_of(SchedulePolicy policy) {
  const bool in_place = policy == SchedulePolicy::kInPlace;
  return {.in_place_depthwise = in_place, .in_place_elementwise = in_place};
}

void make_schedule(const Graph& graph, const ScheduleOptions& options, Schedule& schedule) {
  find_lifetimes(graph, schedule.lifetimes);
  schedule.steps.clear();
  schedule.in_place_of.assign(graph.tensors.size(), kNoId);
  const auto step_count = static_cast<std::int32_t>(graph.ops.size());
  for (std::int32_t step = 0; step < step_count; ++step) {
    const Op& op = graph.ops[step];
    schedule.steps.push_back({step, 1});
    if (may_overwrite(op, options)) {
      schedule.in_place_of[op.output] = overwritten_input(graph, op, step, schedule.lifetimes);
    }
  }
}

Schedule make_schedule(const Graph& graph, const ScheduleOptions& options) {
  Schedule schedule;
  make_schedule(graph, options, schedule);
  return schedule;
}

}  // namespace mcunet::engine
