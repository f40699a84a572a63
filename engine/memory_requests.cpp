#include "mcunet/engine/memory_requests.hpp"

#include <algorithm>

namespace mcunet::engine {
namespace {

std::int64_t padded_plane(const Graph& graph, const Op& op) {
  const Shape& input = graph.input_of(op).shape;
  const Padding& p = op.window.padding;
  return std::int64_t{input.height + p.top + p.bottom} * (input.width + p.left + p.right);
}

// Two im2col columns, widened to 16 bits for the dual multiply-accumulate instructions.
std::int64_t column_pair(const Graph& graph, const Op& op) {
  return std::int64_t{4} * op.window.kernel_height * op.window.kernel_width *
         graph.input_of(op).shape.channels;
}

bool is_pointwise(const Op& op) {
  return op.window.kernel_height == 1 && op.window.kernel_width == 1;
}

// TinyEngine's kernel for the image's three channels reads weights of 16 bits.
std::int64_t widened_first_convolution(const Graph& graph) {
  if (graph.ops.empty() || graph.ops.front().kind != OpKind::kConv2d) return 0;
  return is_pointwise(graph.ops.front()) ? 0 : 2 * cost_of(graph, graph.ops.front()).weights;
}

}  // namespace

std::int64_t scratch_bytes(const Graph& graph, const Op& op, ScratchPolicy policy) {
  const bool is_own = policy == ScratchPolicy::kOwn;
  switch (op.kind) {
    case OpKind::kDepthwiseConv2d:
      return (is_own ? 1 : 2) * padded_plane(graph, op);
    case OpKind::kConv2d:
      return is_own && is_pointwise(op) ? 0 : column_pair(graph, op);
    default:
      return 0;
  }
}

void request_memory(const Graph& graph, const Schedule& schedule, ScratchPolicy policy,
                    MemoryRequests& requests) {
  requests.buffers.clear();
  for (std::size_t tensor = 0; tensor < graph.tensors.size(); ++tensor) {
    const Lifetime& lifetime = schedule.lifetimes[tensor];
    requests.buffers.push_back({graph.tensors[tensor].bytes(), lifetime.first_step,
                                lifetime.last_step, schedule.in_place_of[tensor]});
  }
  requests.step_scratch_bytes.clear();
  std::int64_t most = 0;
  for (std::size_t index = 0; index < schedule.steps.size(); ++index) {
    const Step& step = schedule.steps[index];
    std::int64_t bytes = 0;
    for (OpId id = step.first_op; id < step.first_op + step.op_count; ++id) {
      bytes = std::max(bytes, scratch_bytes(graph, graph.ops[id], policy));
    }
    requests.step_scratch_bytes.push_back(bytes);
    most = std::max(most, bytes);
    if (policy == ScratchPolicy::kOwn && bytes > 0) {
      const auto at = static_cast<std::int32_t>(index);
      requests.buffers.push_back({bytes, at, at, kNoId});
    }
  }
  requests.fixed_scratch_bytes =
      policy == ScratchPolicy::kTinyEngine ? most + widened_first_convolution(graph) : 0;
}

}  // namespace mcunet::engine
