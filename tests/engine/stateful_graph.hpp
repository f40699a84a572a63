#pragma once

#include "mcunet/engine/graph/graph.hpp"
#include "mcunet/engine/reference/reference_executor.hpp"
#include "small_graphs.hpp"

namespace mcunet::engine {

// What each inference gives of one vector x and of the four before it, which it keeps: the sums of all, and the oldest.
// They begin as zeros, and as 1 to 16 where that is asked for.
inline Graph stateful_graph(bool begins_uneven) {
  constexpr Quantization kQuantization = {1, -3};
  constexpr std::int32_t kKept = 4;
  Graph graph;
  const auto named = [&](TensorId id, const char* name) {
    edit_info(graph, id) = {.name = name, .quantization = kQuantization};
    return id;
  };
  const TensorId x = named(add_input(graph, {1, 1, 4}), "x");
  const TensorId before = named(add_input(graph, {kKept, 1, 4}), "before");

  Op join{.kind = OpKind::kConcatenation, .has_bias = false};
  edit_details(graph, join).axis = Axis::kHeight;
  const TensorId all = named(append_op(graph, join, {before, x}), "all");

  const auto part = [&](std::int32_t first, std::int32_t rows, const char* name) {
    Op op{.kind = OpKind::kStridedSlice, .has_bias = false};
    edit_details(graph, op).begin = {first, 0, 0};
    edit_details(graph, op).part = {rows, 1, 4};
    return named(append_op(graph, op, {all}), name);
  };
  const TensorId kept = part(1, kKept, "kept");
  const TensorId oldest = part(0, 1, "oldest");

  Op sum{.kind = OpKind::kConv2d,
         .has_bias = false,
         .window = {.kernel_height = kKept + 1, .kernel_width = 1}};
  edit_details(graph, sum).weights = 0;
  std::vector<int> ones;
  for (int output = 0; output < 4; ++output) {
    for (int row = 0; row <= kKept; ++row) {
      for (int channel = 0; channel < 4; ++channel) ones.push_back(channel == output ? 1 : 0);
    }
  }
  graph.constants.push_back(int8_constant({4, kKept + 1, 1, 4}, ones));
  const TensorId sums = named(append_op(graph, sum, {all}, 4), "sums");

  graph.inputs = {x, before};
  graph.outputs = {sums, oldest, kept};
  graph.states.emplace_back(kKept * 4, static_cast<std::byte>(kQuantization.zero_point));
  if (begins_uneven) {
    for (int i = 0; i < kKept * 4; ++i) graph.states[0][i] = static_cast<std::byte>(i + 1);
  }
  return graph;
}

// The outputs of inferences one after the other, by the reference executor; of each, the inputs that are given, and
// states that are not looked at.
inline std::vector<std::vector<TensorBytes>> execute_in_turn(
    const Graph& graph, const std::vector<std::vector<TensorBytes>>& given) {
  std::vector<TensorBytes> states = graph.states;
  std::vector<std::vector<TensorBytes>> all;
  for (std::vector<TensorBytes> inputs : given) {
    inputs.resize(graph.given_inputs().size());
    inputs.insert(inputs.end(), states.begin(), states.end());
    std::vector<TensorBytes> outputs = execute(graph, inputs);
    states.assign(outputs.end() - static_cast<std::ptrdiff_t>(states.size()), outputs.end());
    outputs.resize(graph.told_outputs().size());
    all.push_back(std::move(outputs));
  }
  return all;
}

}  // namespace mcunet::engine
