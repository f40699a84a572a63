#include "mcunet/engine/graph/graph_passes.hpp"

#include <gmock/gmock.h>

#include "random_graphs.hpp"

namespace mcunet::engine {
namespace {

// The same convolution, its padding done by a PAD operator before it.
Graph with_explicit_padding(const Graph& graph) {
  Graph result;
  const Tensor& input = graph.tensors[graph.inputs[0]];
  const Quantization quantization = graph.info_of(graph.inputs[0]).quantization;
  const TensorId image = add_input(result, input.shape);
  edit_info(result, image).quantization = quantization;
  Op pad{.kind = OpKind::kPad, .has_bias = false};
  pad.window.padding = graph.ops[0].window.padding;
  const Padding& p = pad.window.padding;
  const Shape padded{input.shape.height + p.top + p.bottom, input.shape.width + p.left + p.right,
                     input.shape.channels};
  const TensorId hidden = append_op(result, pad, std::span(&image, 1), Tensor{padded});
  edit_info(result, hidden).quantization = quantization;
  Op convolution = graph.ops[0];
  convolution.window.padding = {};
  const TensorId output =
      append_op(result, convolution, std::span(&hidden, 1), graph.tensors[graph.outputs[0]]);
  edit_info(result, output).quantization = graph.info_of(graph.outputs[0]).quantization;
  result.details = graph.details;
  result.constants = graph.constants;
  result.outputs = {output};
  return result;
}

TEST(FoldPadding, KeepsWhatTheNetworkComputes) {
  int folded = 0;
  for (const OpKind kind : {OpKind::kConv2d, OpKind::kDepthwiseConv2d}) {
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
      const Graph graph = random_graph(kind, seed);
      const Graph padded = with_explicit_padding(graph);
      const Graph result = fold_padding(padded);
      const std::vector<TensorBytes> inputs = random_inputs(padded, seed);
      ASSERT_EQ(execute(result, inputs), execute(padded, inputs));
      ASSERT_EQ(execute(result, inputs), execute(graph, inputs));
      if (result.ops.size() == 2) continue;  // a whole window of padding
      EXPECT_EQ(result.ops[0].window, graph.ops[0].window);
      EXPECT_EQ(result.tensors.size(), 2u);
      ++folded;
    }
  }
  EXPECT_GT(folded, 60);
}

TEST(FoldPadding, LeavesAPadThatIsReadTwice) {
  Graph graph = with_explicit_padding(random_graph(OpKind::kConv2d, 1));
  graph.outputs.push_back(graph.ops[0].output);
  EXPECT_EQ(fold_padding(graph).ops.size(), 2u);
}

TEST(FoldPadding, LeavesAPadOfChannels) {
  Graph graph = with_explicit_padding(random_graph(OpKind::kConv2d, 1));
  edit_details(graph, graph.ops[0]).channels_before = 1;
  EXPECT_EQ(fold_padding(graph).ops.size(), 2u);
}

TEST(FoldPadding, LeavesABorderThatIsNotZero) {
  Graph graph = with_explicit_padding(random_graph(OpKind::kConv2d, 1));
  const std::int32_t zero_point = graph.info_of(graph.ops[0].output).quantization.zero_point;
  edit_details(graph, graph.ops[0]).border = static_cast<std::int8_t>(zero_point);
  EXPECT_EQ(fold_padding(graph).ops.size(), 1u);
  edit_details(graph, graph.ops[0]).border = static_cast<std::int8_t>(zero_point ^ 1);
  EXPECT_EQ(fold_padding(graph).ops.size(), 2u);
}

TEST(StripFloatBorders, MakesTheInt8TensorsInputsAndOutputs) {
  Graph graph;
  const TensorId image = add_input(graph, {4, 4, 2}, DataType::kFloat32);
  const auto append = [&](OpKind kind, TensorId input, DataType type) {
    const TensorId output = append_op(graph, {.kind = kind, .has_bias = false},
                                      std::span(&input, 1), Tensor{{4, 4, 2}, type});
    if (type == DataType::kInt8) edit_info(graph, output).quantization = {0.5F, 3};
    return output;
  };
  const TensorId quantized = append(OpKind::kQuantize, image, DataType::kInt8);
  const TensorId result = append(OpKind::kRelu, quantized, DataType::kInt8);
  graph.outputs = {append(OpKind::kDequantize, result, DataType::kFloat32)};

  const Graph stripped = strip_float_borders(graph);
  ASSERT_EQ(stripped.ops.size(), 1u);
  EXPECT_EQ(stripped.ops[0].kind, OpKind::kRelu);
  EXPECT_EQ(stripped.inputs, (std::vector<TensorId>{0}));
  EXPECT_EQ(stripped.outputs, (std::vector<TensorId>{1}));
  EXPECT_EQ(stripped.info_of(0).quantization, (Quantization{0.5F, 3}));
}

}  // namespace
}  // namespace mcunet::engine
