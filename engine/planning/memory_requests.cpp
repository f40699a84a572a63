#include "mcunet/engine/planning/memory_requests.hpp"

#include <algorithm>

#include "kernels/scratch.h"
#include "mcunet/engine/graph/operator_table.hpp"
#include "mcunet/engine/graph/weights.hpp"

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
    case ScratchKind::kNone:
      break;
  }
  return 0;
}

// How much scratch a kernel is given: the least, or what makes it fastest.
enum class Appetite { kLeast, kMost };

std::int64_t own_convolution_scratch(const Graph& graph, const Op& op, Appetite appetite) {
  const Shape& input = graph.input_of(op).shape;
  const Window& w = op.window;
  const mcunet_conv2d_layer layer{.input_channels = input.channels,
                                  .kernel_height = w.kernel_height,
                                  .kernel_width = w.kernel_width};
  if (w.dilation_height != 1 || w.dilation_width != 1) {
    const mcunet_conv2d_dilated_layer dilated{.window = layer};
    return mcunet_conv2d_dilated_scratch_bytes(&dilated);
  }
  const std::int32_t general =
      mcunet_conv2d_scratch_bytes(&layer, appetite == Appetite::kMost ? 4 : 1);
  if (!is_pointwise(op) || w.stride_height != 1 || w.stride_width != 1) return general;
  // Either kernel may be called.
  return std::max(general,
                  mcunet_conv2d_1x1_scratch_bytes(input.height * input.width, input.channels));
}

std::int64_t own_transposed_scratch(const Graph& graph, const Op& op) {
  const Window& w = op.window;
  const mcunet_conv2d_layer layer{.input_channels = graph.input_of(op).shape.channels,
                                  .kernel_height = w.kernel_height,
                                  .kernel_width = w.kernel_width,
                                  .stride_height = w.stride_height,
                                  .stride_width = w.stride_width};
  return mcunet_transpose_conv2d_scratch_bytes(&layer);
}

std::int64_t own_depthwise_scratch(const Graph& graph, const Op& op, Appetite appetite) {
  const Shape& input = graph.input_of(op).shape;
  const Shape& output = graph.output_of(op).shape;
  if (!has_in_place_kernel(op) || output.channels != input.channels) return 0;
  const mcunet_depthwise_layer layer{.input_height = input.height,
                                     .input_width = input.width,
                                     .output_height = output.height,
                                     .output_width = output.width,
                                     .channels = input.channels,
                                     .pad_top = op.window.padding.top,
                                     .pad_left = op.window.padding.left};
  return (appetite == Appetite::kMost ? mcunet_depthwise_whole_scratch_bytes
                                      : mcunet_depthwise_scratch_bytes)(
      &layer, op.window.kernel_height, op.window.stride_height);
}

std::int64_t own_scratch(const Graph& graph, const Op& op, Appetite appetite) {
  switch (ScratchKind{traits_of(op.kind).scratch}) {
    case ScratchKind::kColumns:
      return own_convolution_scratch(graph, op, appetite);
    case ScratchKind::kTransposedColumns:
      return own_transposed_scratch(graph, op);
    case ScratchKind::kRows:
      return own_depthwise_scratch(graph, op, appetite);
    case ScratchKind::kFeatures: {
      const auto rows = static_cast<std::int32_t>(rows_of(graph, op));
      const std::int64_t features = weight_layout(graph, op).per_output();
      return mcunet_fully_connected_scratch_bytes(rows, static_cast<std::int32_t>(features));
    }
    case ScratchKind::kNone:
      break;
  }
  return 0;
}

// Of a step, the most that one of its operators needs.
template <typename BytesOf>
std::int64_t most_of(const Graph& graph, const Step& step, BytesOf bytes_of) {
  std::int64_t most = 0;
  for (const Op& op : ops_of(graph, step)) most = std::max(most, bytes_of(op));
  return most;
}

void request_tensors(const Graph& graph, const Schedule& schedule, MemoryRequests& requests) {
  requests.buffers.clear();
  requests.tensor_buffer.assign(graph.tensors.size(), kNoId);
  for (std::size_t tensor = 0; tensor < graph.tensors.size(); ++tensor) {
    const Lifetime& lifetime = schedule.lifetimes[tensor];
    if (lifetime.is_within_step) continue;
    const TensorId source = schedule.in_place_of[tensor];
    requests.tensor_buffer[tensor] = static_cast<std::int32_t>(requests.buffers.size());
    requests.buffers.push_back({graph.tensors[tensor].bytes(), lifetime.first_step,
                                lifetime.last_step,
                                source == kNoId ? kNoId : requests.tensor_buffer[source]});
  }
  requests.tensor_buffers = requests.buffers.size();
}

// The largest stretch of the arena in which nothing but `own` is alive in a step.
struct Stretch {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

Stretch largest_free_stretch(const MemoryRequests& requests, const MemoryPlan& plan,
                             std::int32_t step, std::int32_t own, std::int64_t alignment) {
  std::vector<Stretch> taken;
  for (std::size_t i = 0; i < requests.buffers.size(); ++i) {
    const BufferRequest& buffer = requests.buffers[i];
    if (static_cast<std::int32_t>(i) == own || step < buffer.first_step ||
        step > buffer.last_step) {
      continue;
    }
    const std::int64_t end = plan.offsets[i] + buffer.size_bytes;
    taken.push_back({plan.offsets[i], (end + alignment - 1) / alignment * alignment});
  }
  std::sort(taken.begin(), taken.end(),
            [](const Stretch& a, const Stretch& b) { return a.begin < b.begin; });
  taken.push_back({plan.arena_bytes, plan.arena_bytes});
  Stretch best;
  std::int64_t end = 0;
  for (const Stretch& next : taken) {
    if (next.begin - end > best.end - best.begin) best = {end, next.begin};
    end = std::max(end, next.end);
  }
  return best;
}

}  // namespace

std::int64_t scratch_bytes(const Graph& graph, const Op& op, ScratchPolicy policy) {
  return policy == ScratchPolicy::kOwn ? own_scratch(graph, op, Appetite::kLeast)
                                       : tinyengine_scratch(graph, op);
}

void request_memory(const Graph& graph, const Schedule& schedule, ScratchPolicy policy,
                    MemoryRequests& requests) {
  request_tensors(graph, schedule, requests);
  requests.step_scratch_bytes.clear();
  requests.step_scratch_buffer.clear();
  std::int64_t most = 0;
  for (std::size_t index = 0; index < schedule.steps.size(); ++index) {
    const std::int64_t bytes = most_of(graph, schedule.steps[index], [&](const Op& op) {
      return scratch_bytes(graph, op, policy);
    });
    requests.step_scratch_bytes.push_back(bytes);
    most = std::max(most, bytes);
    requests.step_scratch_buffer.push_back(kNoId);
    if (policy == ScratchPolicy::kOwn && bytes > 0) {
      requests.step_scratch_buffer.back() = static_cast<std::int32_t>(requests.buffers.size());
      const auto at = static_cast<std::int32_t>(index);
      requests.buffers.push_back({bytes, at, at, kNoId});
    }
  }
  requests.fixed_scratch_bytes =
      policy == ScratchPolicy::kTinyEngine ? most + widened_first_convolution(graph) : 0;
}

std::vector<BufferRequest> with_staging(const Graph& graph, const MemoryRequests& requests,
                                        std::span<const std::int64_t> staging_bytes) {
  std::vector<BufferRequest> buffers = requests.buffers;
  for (BufferRequest& buffer : buffers) {
    ++buffer.first_step;
    ++buffer.last_step;
  }
  for (const TensorId input : graph.inputs) buffers[requests.tensor_buffer[input]].first_step = 0;
  for (const std::int64_t bytes : staging_bytes) buffers.push_back({bytes, 0, 0, kNoId});
  return buffers;
}

void grow_scratch(const Graph& graph, const Schedule& schedule, std::int64_t alignment,
                  MemoryRequests& requests, MemoryPlan& plan) {
  for (std::size_t index = 0; index < schedule.steps.size(); ++index) {
    const std::int32_t buffer = requests.step_scratch_buffer[index];
    if (buffer == kNoId) continue;
    const std::int64_t most = most_of(graph, schedule.steps[index], [&](const Op& op) {
      return own_scratch(graph, op, Appetite::kMost);
    });
    const Stretch free =
        largest_free_stretch(requests, plan, static_cast<std::int32_t>(index), buffer, alignment);
    const std::int64_t bytes = std::min(most, free.end - free.begin);
    if (bytes <= requests.buffers[buffer].size_bytes) continue;
    requests.buffers[buffer].size_bytes = bytes;
    requests.step_scratch_bytes[index] = bytes;
    plan.offsets[buffer] = free.begin;
  }
}

}  // namespace mcunet::engine
