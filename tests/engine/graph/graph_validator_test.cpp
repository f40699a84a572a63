#include "mcunet/engine/graph/graph_validator.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "mcunet/core/error.hpp"
#include "random_graphs.hpp"

namespace mcunet::engine {
namespace {

std::string complaint(const Graph& graph) {
  try {
    validate_graph(graph);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

class ValidatorTest : public testing::Test {
 protected:
  void expect_complaint(const char* part) {
    EXPECT_THAT(complaint(graph_), testing::HasSubstr(part));
  }

  Op& op() { return graph_.ops[0]; }
  Constant& weights() { return graph_.constants[graph_.details_of(op()).weights]; }

  Graph graph_ = random_graph(OpKind::kConv2d, 4);
};

// Operators that keep the quantization run on bytes that have none; no other does, nor does a clamp,
// which is one of real numbers.
TEST(GraphValidator, PlainBytesMayBeMoved) {
  Graph graph;
  const TensorId input = add_input(graph, {2, 2, 3});
  const TensorId pooled =
      append_op(graph, {.kind = OpKind::kMaxPool2d, .has_bias = false}, {input});
  graph.outputs = {pooled};
  EXPECT_EQ(complaint(graph), "");
  graph.ops[0].activation = Activation::kRelu;
  EXPECT_THAT(complaint(graph), testing::HasSubstr("its scale is 0"));
  graph.ops[0] = {.kind = OpKind::kRelu, .has_bias = false, .output = pooled, .input_count = 1};
  EXPECT_THAT(complaint(graph), testing::HasSubstr("its scale is 0"));
}

TEST(GraphValidator, AcceptsRandomGraphsOfEveryOperator) {
  for (OpKind kind : kAllOpKinds) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
      EXPECT_EQ(complaint(random_graph(kind, seed)), "") << name_of(kind) << " " << seed;
    }
  }
}

TEST(GraphValidator, AcceptsWeightsOfFourBits) {
  for (OpKind kind : kInt4OpKinds) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      EXPECT_EQ(complaint(random_int4_graph(kind, seed)), "") << name_of(kind) << " " << seed;
    }
  }
}

TEST(GraphValidator, RefusesFourBitsElsewhere) {
  Graph graph = random_graph(OpKind::kTransposeConv, 0);
  Constant& weights = graph.constants[graph.details_of(graph.ops[0]).weights];
  weights.type = DataType::kInt4;
  weights.data.resize(static_cast<std::size_t>(bytes_of_elements(weights.elements(), 4)));
  graph.ops[0].weight_bits = 4;
  EXPECT_EQ(complaint(graph),
            "operator 0 (transpose_conv): weights 'weights': are int4, which the operator does not "
            "take; quantize them to int8");

  graph = random_int4_graph(OpKind::kConv2d, 0);
  graph.constants[graph.details_of(graph.ops[0]).bias].type = DataType::kInt4;
  EXPECT_THAT(complaint(graph), testing::HasSubstr("bias 'bias': has"));
  graph = random_int4_graph(OpKind::kConv2d, 0);
  graph.ops[0].weight_bits = 8;
  EXPECT_EQ(complaint(graph), "operator 0 (conv_2d): weight_bits contradicts its weights");
}

TEST_F(ValidatorTest, NamesOperatorIndexAndTensor) {
  graph_.tensor_info[0].quantization.scale = 0;
  EXPECT_EQ(complaint(graph_), "operator 0 (conv_2d): tensor 'input': its scale is 0");
}

TEST_F(ValidatorTest, RefusesBadQuantization) {
  graph_.tensor_info[1].quantization.scale = std::nanf("");
  expect_complaint("scale is nan");
  graph_.tensor_info[1].quantization = {0.1F, 128};
  expect_complaint("zero point is 128");
  graph_.tensor_info[1].quantization = {1e-30F, 0};
  expect_complaint("factor");
}

TEST_F(ValidatorTest, RefusesWeightsThatDoNotFit) {
  weights().data.pop_back();
  expect_complaint("weights 'weights': has");
  weights().dims[0] += 1;
  expect_complaint("weights 'weights'");
  graph_.details[0].weights = 7;
  expect_complaint("has no weights");
}

TEST_F(ValidatorTest, RefusesAsymmetricWeights) {
  weights().zero_point = 1;
  expect_complaint("zero point of 0");
}

TEST_F(ValidatorTest, RefusesStridesOfZero) {
  op().window.stride_width = 0;
  expect_complaint("must be positive");
}

TEST_F(ValidatorTest, RefusesAShapeThatDoesNotFollow) {
  graph_.tensors[1].shape.height += 1;
  expect_complaint("tensor 'output': its shape");
}

TEST_F(ValidatorTest, RefusesHugeTensors) {
  graph_.tensors[0].shape = {1 << 20, 1 << 20, 1 << 20};
  expect_complaint("too large");
}

TEST_F(ValidatorTest, RefusesIdsOutOfRange) {
  graph_.op_inputs[0] = 5;
  expect_complaint("before it is produced");
  graph_.op_inputs[0] = 1;
  expect_complaint("before it is produced");
  op().input_count = 2;
  expect_complaint("out of range");
}

TEST_F(ValidatorTest, RefusesArithmeticOnUint8) {
  graph_.tensors[0].type = DataType::kUint8;
  graph_.tensor_info[0].quantization.zero_point = 128;
  expect_complaint("does not take");
}

TEST(GraphValidator, RefusesPoolsThatRescale) {
  Graph graph = random_graph(OpKind::kAveragePool2d, 1);
  graph.tensor_info[1].quantization.scale *= 2;
  EXPECT_THAT(complaint(graph), testing::HasSubstr("same scale and zero point"));
}

TEST(GraphValidator, RefusesOtherProbabilities) {
  Graph graph = random_graph(OpKind::kSoftmax, 1);
  graph.tensor_info[1].quantization.zero_point = 0;
  EXPECT_THAT(complaint(graph), testing::HasSubstr("1/256"));
}

TEST(GraphValidator, RefusesPartsThatAreNotInside) {
  Graph graph = random_graph(OpKind::kStridedSlice, 1);
  const OpDetails details = graph.details[0];
  graph.details[0].begin[1] = 9;
  EXPECT_THAT(complaint(graph), testing::HasSubstr("from 9 in steps of 1 along an axis of"));
  graph.details[0] = details;
  graph.details[0].stride[0] = 0;
  EXPECT_THAT(complaint(graph), testing::HasSubstr("in steps of 0"));
  graph.details[0] = details;
  graph.details[0].part.channels += 1;
  EXPECT_NE(complaint(graph), "");
}

TEST(GraphValidator, RefusesToCompareWithAConstantOfAnotherScale) {
  Graph graph;
  std::uint64_t seed = 0;
  while (graph.constants.empty()) graph = random_graph(OpKind::kMaximum, seed++);
  EXPECT_EQ(complaint(graph), "");
  graph.constants[0].scales[0] *= 2;
  EXPECT_THAT(complaint(graph), testing::HasSubstr("must have the scale and zero point"));
}

TEST(GraphValidator, RefusesAnAlphaThatIsNoNumber) {
  Graph graph = random_graph(OpKind::kLeakyRelu, 1);
  graph.details[0].alpha = std::nanf("");
  EXPECT_THAT(complaint(graph), testing::HasSubstr("alpha is nan"));
}

TEST(GraphValidator, RefusesLogarithmsThatWouldOverflow) {
  Graph graph = random_graph(OpKind::kLogSoftmax, 1);
  graph.tensor_info[0].quantization.scale = 40;
  EXPECT_THAT(complaint(graph), testing::HasSubstr("a scale of 40 is out of range"));
  graph.tensor_info[0].quantization.scale = 0.1F;
  for (Tensor& tensor : graph.tensors) tensor.shape = {1, 1, 4096};
  EXPECT_THAT(complaint(graph), testing::HasSubstr("4096 channels are too many"));
}

TEST(GraphValidator, RefusesToResizeInTwoWaysAtOnce) {
  Graph graph = random_graph(OpKind::kResizeBilinear, 1);
  graph.details[0].align_corners = graph.details[0].half_pixel_centers = true;
  EXPECT_THAT(complaint(graph), testing::HasSubstr("both align corners"));
}

TEST(GraphValidator, RefusesToResizeWhatHasTooManyRows) {
  for (OpKind kind : {OpKind::kResizeNearestNeighbor, OpKind::kResizeBilinear}) {
    Graph graph = random_graph(kind, 1);
    graph.tensors[0].shape.height = 65537;
    EXPECT_THAT(complaint(graph), testing::HasSubstr("cannot resize 65537 rows"));
  }
}

TEST(GraphValidator, RefusesATransposedConvolutionThatDoesNotLeadBack) {
  Graph graph = random_graph(OpKind::kTransposeConv, 1);
  graph.tensors[graph.outputs[0]].shape.height += 5;
  EXPECT_THAT(complaint(graph), testing::HasSubstr("does not follow from the input"));
  graph = random_graph(OpKind::kTransposeConv, 1);
  graph.ops[0].window.dilation_width = 2;
  EXPECT_THAT(complaint(graph), testing::HasSubstr("cannot be dilated"));
}

}  // namespace
}  // namespace mcunet::engine
