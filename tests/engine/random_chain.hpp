#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "mcunet/core/error.hpp"
#include "mcunet/core/random.hpp"
#include "mcunet/engine/graph/graph.hpp"
#include "mcunet/engine/graph/shape_inference.hpp"
#include "mcunet/engine/planning/row_bands.hpp"
#include "mcunet/engine/planning/schedule.hpp"

// Networks for tests of what runs in bands of rows, as shapes: chains of all operators that do, on odd
// maps, with all strides and paddings, additions to any earlier tensor of the same shape, concatenations
// with those of as many rows, products with means over the map, and often such a mean at the end.
namespace mcunet::engine {

class RandomChain {
 public:
  // A .tflite cannot tell of any padding of pools: networks that are written have none.
  explicit RandomChain(RandomStream& random, bool pads_pools = true)
      : random_(random), pads_pools_(pads_pools) {}

  Graph make(int operators) {
    graph_ = {};
    TensorId last = add_input(graph_, {between(5, 24), between(3, 9), between(1, 9)});
    while (static_cast<int>(graph_.ops.size()) + 1 < operators) last = append(last);
    graph_.outputs = {chance(2) ? append(last) : append_summary(last)};
    return graph_;
  }

 private:
  int between(int least, int most) {
    return least + static_cast<int>(random_.index(static_cast<std::uint32_t>(most - least + 1)));
  }
  bool chance(int one_in) { return between(1, one_in) == 1; }

  // Strides so that maps stay large enough for a few rows.
  Window window(const Shape& input, int most_rows) {
    Window w;
    w.kernel_height = static_cast<std::int16_t>(between(1, std::min(most_rows, input.height)));
    w.kernel_width = static_cast<std::int16_t>(between(1, std::min(5, input.width)));
    w.stride_height = static_cast<std::int16_t>(input.height < 8 ? 1 : between(1, 2));
    w.stride_width = static_cast<std::int16_t>(input.width < 4 ? 1 : between(1, 2));
    pad(w);
    return w;
  }

  // Less than a window on each side, each side on its own.
  void pad(Window& w) {
    w.padding = {.top = static_cast<std::int16_t>(between(0, w.kernel_height - 1)),
                 .bottom = static_cast<std::int16_t>(between(0, w.kernel_height - 1)),
                 .left = static_cast<std::int16_t>(between(0, w.kernel_width - 1)),
                 .right = static_cast<std::int16_t>(between(0, w.kernel_width - 1))};
  }

  // As specialised kernels have them.
  Window square_window(const Shape& input) {
    const int kernel = std::array{3, 3, 5, 7}[static_cast<std::size_t>(between(0, 3))];
    Window w = centred_window(kernel, input.height < 8 ? 1 : between(1, 2));
    if (chance(2)) pad(w);
    const bool fits = w.kernel_height <= input.height + w.padding.top + w.padding.bottom &&
                      w.kernel_width <= input.width + w.padding.left + w.padding.right;
    return fits ? w : centred_window(kernel, 1);
  }

  Activation activation() {
    return std::array{Activation::kNone, Activation::kRelu,
                      Activation::kRelu6}[static_cast<std::size_t>(between(0, 2))];
  }

  TensorId append(TensorId input) {
    const Shape shape = graph_.tensors[input].shape;
    switch (between(0, 9)) {
      case 0:
        return append_op(graph_, {.kind = OpKind::kConv2d, .window = window(shape, 5)}, {input},
                         between(1, 9));
      case 1:
      case 2:
        return append_op(graph_, {.kind = OpKind::kConv2d, .activation = activation()}, {input},
                         between(1, 20));
      case 3:
      case 4:
        return append_op(graph_,
                         {.kind = OpKind::kDepthwiseConv2d,
                          .activation = activation(),
                          .window = square_window(shape)},
                         {input}, shape.channels);
      case 5:
        return append_pool(input);
      case 6:
        return append_op(graph_, {.kind = OpKind::kRelu, .has_bias = false}, {input});
      case 7:
        return concatenate(input);
      case 8:
        return append_op(graph_, {.kind = OpKind::kMul, .has_bias = false},
                         {input, append_summary(input)});
      default:
        return add_residual(input);
    }
  }

  TensorId append_pool(TensorId input) {
    Op op{.kind = chance(2) ? OpKind::kMaxPool2d : OpKind::kAveragePool2d, .has_bias = false};
    op.window = window(graph_.tensors[input].shape, 3);
    if (!pads_pools_) op.window.padding = {};
    return append_op(graph_, op, {input});
  }

  // One pixel of the whole map.
  TensorId append_summary(TensorId input) {
    const Shape shape = graph_.tensors[input].shape;
    Op op{.kind = OpKind::kMean, .has_bias = false};
    if (chance(2)) {
      op.kind = OpKind::kAveragePool2d;
      op.window.kernel_height = static_cast<std::int16_t>(shape.height);
      op.window.kernel_width = static_cast<std::int16_t>(shape.width);
      return append_op(graph_, op, {input});
    }
    edit_details(graph_, op).reduced = {true, true, false};
    return append_op(graph_, op, {input});
  }

  TensorId concatenate(TensorId input) {
    const Shape shape = graph_.tensors[input].shape;
    const Axis axis = chance(3) ? Axis::kWidth : Axis::kChannels;
    std::vector<TensorId> inputs = {input};
    for (TensorId id = 0; id <= input && inputs.size() < 3; ++id) {
      const Shape& other = graph_.tensors[id].shape;
      const bool fits =
          other.height == shape.height &&
          (axis == Axis::kWidth ? other.channels == shape.channels : other.width == shape.width);
      if (fits && chance(2)) inputs.push_back(id);
    }
    if (shape.width * inputs.size() > 40 || shape.channels * inputs.size() > 40) return input;
    Op op{.kind = OpKind::kConcatenation, .has_bias = false};
    edit_details(graph_, op).axis = axis;
    Tensor output{shape};
    std::int32_t& sum = axis == Axis::kWidth ? output.shape.width : output.shape.channels;
    sum = 0;
    for (const TensorId id : inputs) {
      sum +=
          axis == Axis::kWidth ? graph_.tensors[id].shape.width : graph_.tensors[id].shape.channels;
    }
    return append_op(graph_, op, inputs, output);
  }

  TensorId add_residual(TensorId input) {
    std::vector<TensorId> equal;
    for (TensorId id = 0; id < input; ++id) {
      if (graph_.tensors[id] == graph_.tensors[input]) equal.push_back(id);
    }
    if (equal.empty()) return input;
    const TensorId other = equal[random_.index(static_cast<std::uint32_t>(equal.size()))];
    return append_op(graph_, {.kind = OpKind::kAdd, .has_bias = false}, {input, other});
  }

  RandomStream& random_;
  bool pads_pools_;
  Graph graph_;
};

// Whether the step can take the graph's input in rows.
inline bool can_pull(const Graph& graph, Step step) {
  if (step.first_op != 0) return false;
  step.pulls_input = true;
  try {
    plan_row_bands(graph, step);
    return true;
  } catch (const Error&) {
    return false;
  }
}

// All operators in steps of random lengths, as long as they form some, in bands of random heights, some of
// them overlapping.
inline std::vector<Step> random_steps(const Graph& graph, RandomStream& random) {
  std::vector<Step> steps;
  const auto count = static_cast<OpId>(graph.ops.size());
  for (OpId id = 0; id < count; id += steps.back().op_count) {
    Step step{id, 1 + static_cast<std::int32_t>(random.index(6)), 1};
    step.op_count = std::min(step.op_count, count - id);
    step.band_rows = 1 + static_cast<std::int32_t>(random.index(random.index(2) == 0 ? 2 : 9));
    for (; step.op_count > 1; --step.op_count) {
      try {
        plan_row_bands(graph, step);
        break;
      } catch (const Error&) {
      }
    }
    if (step.op_count == 1) step.band_rows = 1;
    step.reuses_rows = random.index(4) != 0;
    step.has_fast_scratch = random.index(2) == 0;
    step.overlaps = random.index(2) == 0 && find_overlap(graph, step).input != kNoId;
    steps.push_back(step);
  }
  return steps;
}

}  // namespace mcunet::engine
