#include "mcunet/engine/graph/activations.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/graph_validator.hpp"
#include "mcunet/engine/graph/operator_table.hpp"
#include "random_graphs.hpp"

namespace mcunet::engine {
namespace {

std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

// Two pixels of ten channels: a word and a half each, what is left of the second one being 0.
TEST(Activations, LieInWordsOfEightChannels) {
  const Tensor tensor{{1, 2, 10}, DataType::kInt4};
  const auto values =
      bytes_of({-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 7, 6, 5, 4, 3, 2, 1, 0, -1, -8});
  const TensorBytes packed = pack_activation(tensor, values);
  EXPECT_EQ(packed, bytes_of({0x40, 0x51, 0x62, 0x73, 0x08, 0x09, 0x00, 0x00,  //
                              0xbf, 0xae, 0x9d, 0x8c, 0x07, 0x00, 0x00, 0x00}));
  EXPECT_EQ(static_cast<std::int64_t>(packed.size()), tensor.bytes());
  EXPECT_EQ(unpack_activation(tensor, packed), values);
}

// Image and logits stay, as does the vector before the classifier and, since pools keep the type, the map that
// is averaged into it.
TEST(Activations, FeatureMapsBetweenOperatorsAreNarrow) {
  Graph graph;
  const TensorId image = add_input(graph, {16, 16, 3});
  const TensorId stem =
      append_op(graph, {.kind = OpKind::kConv2d, .window = centred_window(3, 2)}, {image}, 16);
  const TensorId wide = append_op(
      graph, {.kind = OpKind::kDepthwiseConv2d, .window = centred_window(3, 1)}, {stem}, 16);
  const TensorId sum = append_op(graph, {.kind = OpKind::kAdd, .has_bias = false}, {stem, wide});
  const TensorId last = append_op(graph, {.kind = OpKind::kConv2d}, {sum}, 32);
  Op pool{.kind = OpKind::kAveragePool2d, .has_bias = false};
  pool.window.kernel_height = pool.window.kernel_width = 8;
  const TensorId mean = append_op(graph, pool, {last});
  const TensorId logits = append_op(graph, {.kind = OpKind::kFullyConnected}, {mean}, 5);
  graph.outputs = {logits};
  set_activation_bits(graph, 4);
  for (const TensorId id : {stem, wide, sum}) EXPECT_EQ(graph.tensors[id].type, DataType::kInt4);
  for (const TensorId id : {image, last, mean, logits}) {
    EXPECT_EQ(graph.tensors[id].type, DataType::kInt8) << id;
  }
  EXPECT_EQ(graph.tensors[stem].bytes(), 8 * 8 * 16 / 2);
  EXPECT_THROW(set_activation_bits(graph, 2), Error);
}

// An addition whose channels fill no words stays int8, and so does what it adds.
TEST(Activations, OperatorsWithoutAFormForThemStayWide) {
  Graph graph;
  const TensorId image = add_input(graph, {8, 8, 3});
  const TensorId a = append_op(graph, {.kind = OpKind::kConv2d}, {image}, 12);
  const TensorId b = append_op(graph, {.kind = OpKind::kConv2d}, {a}, 12);
  const TensorId sum = append_op(graph, {.kind = OpKind::kAdd, .has_bias = false}, {a, b});
  Op dilated{.kind = OpKind::kConv2d, .window = centred_window(3, 1)};
  const TensorId c = append_op(graph, dilated, {sum}, 8);
  dilated.window.dilation_height = dilated.window.dilation_width = 2;
  graph.outputs = {append_op(graph, dilated, {c}, 8)};
  set_activation_bits(graph, 4);
  for (const Tensor& tensor : graph.tensors) EXPECT_EQ(tensor.type, DataType::kInt8);
}

// Operators that move values or convert them know bytes only, and those that take int4 take it throughout.
TEST(Activations, OtherOperatorsRefuseThem) {
  for (const OpKind kind : kAllOpKinds) {
    Graph graph = random_graph(kind, 1);
    for (Tensor& tensor : graph.tensors) tensor.type = DataType::kInt4;
    for (std::size_t id = 0; id < graph.tensors.size(); ++id) {
      Quantization& q = edit_info(graph, static_cast<TensorId>(id)).quantization;
      q.zero_point = std::clamp(q.zero_point, -8, 7);
    }
    const TypeRule rule = traits_of(kind).types;
    const bool may_take = rule == TypeRule::kNarrow || rule == TypeRule::kAllNarrow;
    if (!may_take) {
      EXPECT_THROW(validate_graph(graph), Error) << name_of(kind);
    }
    if (rule != TypeRule::kAllNarrow) continue;
    graph.tensors[graph.outputs[0]].type = DataType::kInt8;
    EXPECT_THROW(validate_graph(graph), Error) << name_of(kind);
  }
}

TEST(Activations, NetworksOfThemAreValid) {
  std::size_t narrow = 0;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const Graph graph = random_narrow_network(seed);
    EXPECT_NO_THROW(validate_graph(graph)) << seed;
    narrow += static_cast<std::size_t>(
        std::count_if(graph.tensors.begin(), graph.tensors.end(),
                      [](const Tensor& tensor) { return tensor.type == DataType::kInt4; }));
  }
  EXPECT_GT(narrow, 250U);
}

}  // namespace
}  // namespace mcunet::engine
