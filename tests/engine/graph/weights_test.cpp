#include "mcunet/engine/graph/weights.hpp"

#include <gmock/gmock.h>

#include <array>
#include <set>

#include "core/error_text.hpp"
#include "mcunet/core/error.hpp"

namespace mcunet::engine {
namespace {

using testing::ElementsAre;

WeightLayout layout_of(OpKind kind, int kernel, std::int32_t outputs) {
  Graph graph;
  Op op{.kind = kind};
  op.window.kernel_height = static_cast<std::int16_t>(kernel);
  op.window.kernel_width = 2;
  append_op(graph, op, {add_input(graph, {5, 4, 6})}, outputs);
  return weight_layout(graph, graph.ops[0]);
}

TEST(Weights, HaveTheDimensionsOfTheFileFormat) {
  const WeightLayout convolution = layout_of(OpKind::kConv2d, 3, 8);
  EXPECT_THAT(convolution.dims(), ElementsAre(8, 3, 2, 6));
  EXPECT_EQ(convolution.channel_axis(), 0);
  EXPECT_EQ(convolution.per_output(), 36);

  const WeightLayout depthwise = layout_of(OpKind::kDepthwiseConv2d, 3, 12);
  EXPECT_THAT(depthwise.dims(), ElementsAre(1, 3, 2, 12));
  EXPECT_EQ(depthwise.channel_axis(), 3);
  EXPECT_EQ(depthwise.per_output(), 6);

  const WeightLayout matrix = layout_of(OpKind::kFullyConnected, 1, 7);
  EXPECT_THAT(matrix.dims(), ElementsAre(7, 120));
  EXPECT_EQ(matrix.places, 20) << "one per pixel of the input";
}

TEST(Weights, EachLiesAtAPlaceOfItsOwn) {
  for (OpKind kind : {OpKind::kConv2d, OpKind::kDepthwiseConv2d, OpKind::kFullyConnected}) {
    const WeightLayout layout = layout_of(kind, 3, 6);
    std::set<std::size_t> places;
    for (std::int32_t output = 0; output < layout.outputs; ++output) {
      for (std::int64_t element = 0; element < layout.per_output(); ++element) {
        places.insert(layout.index(output, element));
      }
    }
    EXPECT_EQ(std::ssize(places), layout.elements()) << name_of(kind);
    EXPECT_EQ(static_cast<std::int64_t>(*places.rbegin()), layout.elements() - 1) << name_of(kind);
  }
}

TEST(Weights, OperatorsWithoutWeightsHaveNoLayout) {
  EXPECT_THROW(layout_of(OpKind::kRelu, 1, 6), Error);
}

TEST(Weights, TheFirstOfTwoIsTheLowNibble) {
  const std::vector<std::int8_t> values = {1, -2, 7, -8, 5};
  Constant constant{.type = DataType::kInt4, .dims = {5}};
  constant.data = weight_bytes(values, constant.type);
  EXPECT_THAT(constant.data, ElementsAre(std::byte{0xE1}, std::byte{0x87}, std::byte{0x05}));
  EXPECT_EQ(weight_values(constant), values);
  constant.data.back() |= std::byte{0xF0};
  EXPECT_EQ(weight_values(constant), values) << "what is behind the last one is nothing";
}

TEST(Weights, BitsAreGivenToGraphsOfShapes) {
  Graph graph;
  const TensorId input = add_input(graph, {5, 4, 6});
  const std::array mixed = {append_op(graph, {}, {input}, 4)};
  append_op(graph, {.kind = OpKind::kTransposeConv}, mixed, Tensor{{5, 4, 3}});
  set_weight_bits(graph, 4);
  EXPECT_EQ(graph.ops[0].weight_bits, 4);
  EXPECT_EQ(graph.ops[1].weight_bits, 8) << "a transposed convolution";
  EXPECT_EQ(error_of([&] { set_weight_bits(graph, 2); }),
            "weights of 2 bits are not supported, only 4 or 8");
  edit_details(graph, graph.ops[0]).weights = 0;
  EXPECT_EQ(error_of([&] { set_weight_bits(graph, 4); }),
            "its weights are there already, with their own bits");
  graph = without_weights(std::move(graph));
  set_weight_bits(graph, 8);
  EXPECT_EQ(graph.ops[0].weight_bits, 8);
}

TEST(Weights, TheFirstAndTheLastOperatorMayKeepEightBits) {
  Graph graph;
  TensorId features = add_input(graph, {5, 4, 6});
  for (int i = 0; i < 3; ++i) features = append_op(graph, {}, {features}, 4);
  append_op(graph, {.kind = OpKind::kSoftmax, .has_bias = false}, {features});
  set_weight_bits(graph, 4);
  keep_first_and_last(graph);
  EXPECT_EQ(graph.ops[0].weight_bits, 8);
  EXPECT_EQ(graph.ops[1].weight_bits, 4);
  EXPECT_EQ(graph.ops[2].weight_bits, 8);
}

TEST(Weights, NarrowElementsShareBytes) {
  EXPECT_EQ(bytes_of_elements(5, 4), 3);
  EXPECT_EQ(bytes_of_elements(6, 4), 3);
  EXPECT_EQ(bytes_of_elements(5, DataType::kInt8), 5);
  EXPECT_EQ(bytes_of_elements(5, DataType::kFloat32), 20);
}

}  // namespace
}  // namespace mcunet::engine
