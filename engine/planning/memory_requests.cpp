#include "mcunet/engine/planning/memory_requests.hpp"

#include <algorithm>

#include "mcunet/engine/graph/operator_table.hpp"
#include "mcunet/engine/graph/weights.hpp"
#include "mcunet/engine/planning/row_bands.hpp"
#include "planning/kernel_scratch.hpp"
#include "planning/tflm_memory.hpp"

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
  if (graph.ops.empty()) return 0;
  const Op& first = graph.ops.front();
  if (traits_of(first.kind).scratch != ScratchKind::kColumns || is_pointwise(first)) return 0;
  return 2 * weight_layout(graph, first).elements();
}

std::int64_t tinyengine_scratch(const Graph& graph, const Op& op) {
  switch (ScratchKind{traits_of(op.kind).scratch}) {
    case ScratchKind::kRows:
      return 2 * padded_plane(graph, op);
    case ScratchKind::kColumns:
    case ScratchKind::kTransposedColumns:
      return column_pair(graph, op);
    case ScratchKind::kFeatures:
    case ScratchKind::kMatrixColumns:
    case ScratchKind::kSteps:
    case ScratchKind::kNone:
      break;
  }
  return 0;
}

// What a step needs beside tensors.
struct StepNeeds {
  std::int64_t rows = 0;     // that it holds of tensors which live within it
  std::int64_t kernels = 0;  // the most that one of its operators needs
};

StepNeeds needs_of(const Graph& graph, const Step& step, ScratchPolicy policy) {
  if (!step.is_in_bands()) {
    const Op& op = graph.ops[step.first_op];
    const bool is_fast = step.has_fast_scratch && policy == ScratchPolicy::kOwn;
    return {0, is_fast ? fastest_scratch_bytes(graph, op) : scratch_bytes(graph, op, policy)};
  }
  const RowBands bands = plan_row_bands(graph, step);
  if (policy == ScratchPolicy::kOwn) {
    return {bands.buffer_bytes, kernel_scratch_bytes(graph, step, bands)};
  }
  StepNeeds needs{bands.buffer_bytes, 0};
  for (const Op& op : ops_of(graph, step)) {
    needs.kernels = std::max(needs.kernels, scratch_bytes(graph, op, policy));
  }
  return needs;
}

// Beside the arena; `most` is what one of the kernels takes at the most.
std::int64_t fixed_bytes(const Graph& graph, ScratchPolicy policy, std::int64_t most) {
  switch (policy) {
    case ScratchPolicy::kTinyEngine:
      return most + widened_first_convolution(graph);
    case ScratchPolicy::kOwn:
      return 0;
    case ScratchPolicy::kTflm:
      return tflm_persistent_bytes(graph);
  }
  return 0;
}

void request_tensors(const Graph& graph, const Schedule& schedule, MemoryRequests& requests) {
  requests.buffers.clear();
  requests.tensor_buffer.assign(graph.tensors.size(), kNoId);
  for (std::size_t tensor = 0; tensor < graph.tensors.size(); ++tensor) {
    const Lifetime& lifetime = schedule.lifetimes[tensor];
    if (!lifetime.has_buffer()) continue;
    const TensorId source = schedule.in_place_of[tensor];
    requests.tensor_buffer[tensor] = static_cast<std::int32_t>(requests.buffers.size());
    requests.buffers.push_back({graph.tensors[tensor].bytes(), lifetime.first_step,
                                lifetime.last_step,
                                source == kNoId ? kNoId : requests.tensor_buffer[source]});
    if (source != kNoId) {
      requests.buffers[requests.tensor_buffer[source]].growth_bytes = schedule.headroom[tensor];
    }
  }
  requests.tensor_buffers = requests.buffers.size();
}

}  // namespace

std::string_view name_of(ScratchPolicy policy) {
  switch (policy) {
    case ScratchPolicy::kTinyEngine:
      return "tinyengine";
    case ScratchPolicy::kOwn:
      return "own";
    case ScratchPolicy::kTflm:
      return "tflm";
  }
  return "";
}

std::int64_t scratch_bytes(const Graph& graph, const Op& op, ScratchPolicy policy) {
  switch (policy) {
    case ScratchPolicy::kTinyEngine:
      return tinyengine_scratch(graph, op);
    case ScratchPolicy::kOwn:
      return least_scratch_bytes(graph, op);
    case ScratchPolicy::kTflm:
      return cmsis_nn_scratch_bytes(graph, op);
  }
  return 0;
}

void request_memory(const Graph& graph, const Schedule& schedule, ScratchPolicy policy,
                    MemoryRequests& requests) {
  request_tensors(graph, schedule, requests);
  requests.step_scratch_bytes.clear();
  requests.step_scratch_buffer.clear();
  std::int64_t most = 0;
  for (std::size_t index = 0; index < schedule.steps.size(); ++index) {
    const Step& step = schedule.steps[index];
    const StepNeeds needs = needs_of(graph, step, policy);
    const bool is_beside = policy == ScratchPolicy::kTinyEngine;
    const std::int64_t in_arena = needs.rows + (is_beside ? 0 : needs.kernels);
    requests.step_scratch_bytes.push_back(is_beside ? needs.kernels : in_arena);
    most = std::max(most, needs.kernels);
    requests.step_scratch_buffer.push_back(kNoId);
    if (in_arena > 0) {
      requests.step_scratch_buffer.back() = static_cast<std::int32_t>(requests.buffers.size());
      const auto at = static_cast<std::int32_t>(index);
      requests.buffers.push_back({in_arena, at, at, kNoId});
    }
  }
  requests.fixed_bytes = fixed_bytes(graph, policy, most);
}

std::vector<BufferRequest> with_staging(const Graph& graph, const MemoryRequests& requests,
                                        std::span<const std::int64_t> staging_bytes) {
  std::vector<BufferRequest> buffers = requests.buffers;
  for (BufferRequest& buffer : buffers) {
    ++buffer.first_step;
    ++buffer.last_step;
  }
  for (const TensorId input : graph.inputs) {
    const std::int32_t buffer = requests.tensor_buffer[input];
    if (buffer != kNoId) buffers[buffer].first_step = 0;
  }
  for (const std::int64_t bytes : staging_bytes) buffers.push_back({bytes, 0, 0, kNoId});
  return buffers;
}

}  // namespace mcunet::engine
