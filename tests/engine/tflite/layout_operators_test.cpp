// Operators of a file that move values only, tensors of many dimensions, and what a file computes
// from shapes: each as the graph that it becomes and as the values that come out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/reference/reference_executor.hpp"
#include "mcunet/engine/tflite/reader.hpp"
#include "mcunet/engine/tflite/writer.hpp"
#include "tflite/model_builder.hpp"

namespace mcunet::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Dims = std::vector<std::int32_t>;

constexpr Quantization kQuantization = {0.5, 3};

class LayoutOperators : public testing::Test {
 protected:
  std::int32_t tensor(const Dims& dims, const Dims& signature = {}) {
    return builder_.add_activation("t" + std::to_string(next_++), DataType::kInt8, dims,
                                   kQuantization, signature);
  }
  std::int32_t shape_tensor(const Dims& dims) {
    return builder_.add_activation("s" + std::to_string(next_++), DataType::kInt32, dims, {});
  }
  std::int32_t integers(const Dims& values) {
    return builder_.add_integers("i" + std::to_string(next_++), values,
                                 {static_cast<std::int32_t>(values.size())});
  }
  std::int32_t integer(std::int32_t value) { return builder_.add_integers("i", {value}, {}); }

  template <typename Options>
  void add(tflite::BuiltinOperator code, const Dims& inputs, std::int32_t output,
           flatbuffers::Offset<Options> options) {
    builder_.add_operator(code, 1, inputs, output,
                          tflite::BuiltinOptionsTraits<Options>::enum_value, options.Union());
  }
  void add(tflite::BuiltinOperator code, const Dims& inputs, std::int32_t output) {
    builder_.add_operator(code, 1, inputs, output, tflite::BuiltinOptions_NONE, {});
  }

  Graph read(std::int32_t input, std::int32_t output) {
    Graph graph = read_tflite(builder_.finish({input}, {output}), "memory");
    EXPECT_EQ(read_tflite(write_tflite(graph), "written"), graph);
    return graph;
  }
  std::string complaint(std::int32_t input, std::int32_t output) {
    try {
      read_tflite(builder_.finish({input}, {output}), "memory");
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  // Of an input that counts from 0.
  static std::vector<int> outputs_of(const Graph& graph) {
    TensorBytes input(static_cast<std::size_t>(graph.tensors[graph.inputs[0]].bytes()));
    for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<std::byte>(i);
    const std::vector<TensorBytes> outputs = execute(graph, {&input, 1});
    std::vector<int> values;
    for (std::byte value : outputs[0]) {
      values.push_back(static_cast<std::int8_t>(value));
    }
    return values;
  }
  static std::vector<int> counting(int count) {
    std::vector<int> values(static_cast<std::size_t>(count));
    std::iota(values.begin(), values.end(), 0);
    return values;
  }

  TfliteModelBuilder builder_;
  flatbuffers::FlatBufferBuilder& fbb_ = builder_.fbb();
  int next_ = 0;
};

TEST_F(LayoutOperators, BlocksBecomeChannelsAndBack) {
  const auto input = tensor({1, 1, 2, 8});
  const auto space = tensor({1, 2, 4, 2});
  const auto output = tensor({1, 1, 2, 8});
  add(tflite::BuiltinOperator_DEPTH_TO_SPACE, {input}, space,
      tflite::CreateDepthToSpaceOptions(fbb_, 2));
  add(tflite::BuiltinOperator_SPACE_TO_DEPTH, {space}, output,
      tflite::CreateSpaceToDepthOptions(fbb_, 2));
  const Graph graph = read(input, output);
  EXPECT_EQ(outputs_of(graph), counting(16));
  Graph half = graph;
  half.outputs = {half.ops[half.ops.size() / 2 - 1].output};
  EXPECT_THAT(outputs_of(half), ElementsAre(0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15));
}

TEST_F(LayoutOperators, BlocksMustFit) {
  const auto input = tensor({1, 1, 2, 8});
  const auto output = tensor({1, 1, 2, 8});
  add(tflite::BuiltinOperator_SPACE_TO_DEPTH, {input}, output,
      tflite::CreateSpaceToDepthOptions(fbb_, 2));
  EXPECT_THAT(complaint(input, output), HasSubstr("a map of 1x2 has no blocks of 2x2"));
}

TEST_F(LayoutOperators, ChannelsMustBeBlocks) {
  const auto input = tensor({1, 1, 2, 8});
  const auto output = tensor({1, 1, 2, 8});
  add(tflite::BuiltinOperator_DEPTH_TO_SPACE, {input}, output,
      tflite::CreateDepthToSpaceOptions(fbb_, 1 << 30));
  EXPECT_THAT(complaint(input, output), HasSubstr("8 channels are no blocks of"));
}

TEST_F(LayoutOperators, MirrorsChannelsAsColumns) {
  const auto input = tensor({1, 1, 2, 3});
  const auto output = tensor({1, 1, 3, 5});
  const auto amounts = builder_.add_integers("paddings", {0, 0, 0, 0, 1, 0, 0, 2}, {4, 2});
  add(tflite::BuiltinOperator_MIRROR_PAD, {input, amounts}, output,
      tflite::CreateMirrorPadOptions(fbb_, tflite::MirrorPadMode_REFLECT));
  EXPECT_THAT(outputs_of(read(input, output)),
              ElementsAre(3, 4, 5, 4, 3, 0, 1, 2, 1, 0, 3, 4, 5, 4, 3));
}

TEST_F(LayoutOperators, MirrorsOfChannelsAloneAndOfTooMuch) {
  const auto input = tensor({2, 3});
  const auto output = tensor({2, 6});
  const auto mirror = [&](std::int32_t channels, tflite::MirrorPadMode mode) {
    const auto amounts = builder_.add_integers("paddings", {0, 0, channels, 0}, {2, 2});
    add(tflite::BuiltinOperator_MIRROR_PAD, {input, amounts}, output,
        tflite::CreateMirrorPadOptions(fbb_, mode));
  };
  mirror(3, tflite::MirrorPadMode_SYMMETRIC);
  EXPECT_THAT(outputs_of(read(input, output)), ElementsAre(2, 1, 0, 0, 1, 2, 5, 4, 3, 3, 4, 5));
}

TEST_F(LayoutOperators, MirrorsNoMoreThanThereIs) {
  const auto input = tensor({2, 3});
  const auto output = tensor({2, 6});
  const auto amounts = builder_.add_integers("paddings", {0, 0, 3, 0}, {2, 2});
  add(tflite::BuiltinOperator_MIRROR_PAD, {input, amounts}, output,
      tflite::CreateMirrorPadOptions(fbb_, tflite::MirrorPadMode_REFLECT));
  EXPECT_THAT(complaint(input, output),
              HasSubstr("its padding mirrors more than the 2 rows and 3"));
}

TEST_F(LayoutOperators, PadsWithAValueOfTheOutputsScale) {
  const auto input = tensor({1, 2});
  const auto output = tensor({1, 4});
  const auto amounts = builder_.add_integers("paddings", {0, 0, 1, 1}, {2, 2});
  const Constant value{.name = "v", .scales = {0.5F}, .zero_point = 3, .data = {std::byte{9}}};
  add(tflite::BuiltinOperator_PADV2, {input, amounts, builder_.add_constant(value)}, output);
  EXPECT_THAT(outputs_of(read(input, output)), ElementsAre(9, 0, 1, 9));
}

TEST_F(LayoutOperators, RefusesPaddingWithOtherValues) {
  const auto complaint_about = [&](const Constant& value) {
    const auto input = tensor({1, 2});
    const auto output = tensor({1, 4});
    const auto amounts = builder_.add_integers("paddings", {0, 0, 1, 1}, {2, 2});
    add(tflite::BuiltinOperator_PADV2, {input, amounts, builder_.add_constant(value)}, output);
    const std::string text = complaint(input, output);
    builder_ = {};
    return text;
  };
  Constant value{.name = "v", .scales = {0.25F}, .zero_point = 3, .data = {std::byte{9}}};
  EXPECT_THAT(complaint_about(value), HasSubstr("'v': has another scale or zero point"));
  value.scales = {};
  EXPECT_THAT(complaint_about(value), HasSubstr("'v': has another scale or zero point"));
  value.scales = {0.5F};
  value.dims = {2};
  value.data = {std::byte{9}, std::byte{9}};
  EXPECT_THAT(complaint_about(value), HasSubstr("'v': is not one value of int8"));
}

// As Keras flattens where the batch is not fixed.
TEST_F(LayoutOperators, ReshapesToComputedShapes) {
  const auto input = tensor({1, 2, 3, 2}, {-1, 2, 3, 2});
  const auto shape = shape_tensor({4});
  const auto batch = shape_tensor({});
  const auto packed = shape_tensor({2});
  const auto output = tensor({1, 12}, {-1, 12});
  add(tflite::BuiltinOperator_SHAPE, {input}, shape);
  add(tflite::BuiltinOperator_STRIDED_SLICE, {shape, integers({0}), integers({1}), integers({1})},
      batch, tflite::CreateStridedSliceOptions(fbb_, 0, 0, 0, 0, 1));
  add(tflite::BuiltinOperator_PACK, {batch, integer(12)}, packed,
      tflite::CreatePackOptions(fbb_, 2, 0));
  add(tflite::BuiltinOperator_RESHAPE, {input, packed}, output);
  const Graph graph = read(input, output);
  ASSERT_EQ(graph.ops.size(), 1u);
  EXPECT_EQ(graph.ops[0].kind, OpKind::kReshape);
  EXPECT_EQ(graph.output_of(graph.ops[0]).shape, (Shape{1, 1, 12}));
}

// A converter that does not know a shape writes 1 for it; it follows from the operators.
TEST_F(LayoutOperators, OpenDimensionsFollow) {
  const auto input = tensor({1, 12}, {-1, 12});
  const auto middle = tensor({1, 1, 3, 2}, {-1, -1, 3, 2});
  const auto output = tensor({1, 1, 3, 2}, {-1, -1, 3, 2});
  add(tflite::BuiltinOperator_RESHAPE, {input, integers({-1, 2, 3, 2})}, middle);
  add(tflite::BuiltinOperator_MAX_POOL_2D, {middle}, output,
      tflite::CreatePool2DOptions(fbb_, tflite::Padding_VALID, 1, 1, 1, 2,
                                  tflite::ActivationFunction_NONE));
  const Graph graph = read(input, output);
  EXPECT_EQ(graph.output_of(graph.ops[0]).shape, (Shape{2, 3, 2}));
  EXPECT_EQ(graph.output_of(graph.ops[1]).shape, (Shape{1, 3, 2}));
}

TEST_F(LayoutOperators, ExpandsAndSqueezes) {
  const auto input = tensor({1, 3, 2});
  const auto wide = tensor({1, 3, 1, 2});
  const auto output = tensor({3, 2});
  add(tflite::BuiltinOperator_EXPAND_DIMS, {input, integer(-2)}, wide);
  const std::vector<std::int32_t> axes = {0, 2};
  add(tflite::BuiltinOperator_SQUEEZE, {wide}, output,
      tflite::CreateSqueezeOptionsDirect(fbb_, &axes));
  const Graph graph = read(input, output);
  EXPECT_EQ(graph.output_of(graph.ops[0]).shape, (Shape{3, 1, 2}));
  EXPECT_EQ(graph.output_of(graph.ops[1]).shape, (Shape{1, 3, 2}));
  EXPECT_EQ(outputs_of(graph), counting(6));
}

TEST_F(LayoutOperators, RefusesShapesThatContradictTheFile) {
  const auto input = tensor({1, 3, 2});
  const auto output = tensor({1, 2, 3});
  add(tflite::BuiltinOperator_EXPAND_DIMS, {input, integer(0)}, output);
  EXPECT_THAT(complaint(input, output), HasSubstr("its shape is not 1x1x3x2"));
}

TEST_F(LayoutOperators, PassesSixDimensionsThrough) {
  const auto input = tensor({1, 1, 2, 3, 1, 2});
  const auto pooled = tensor({1, 2, 3, 2});
  add(tflite::BuiltinOperator_RESHAPE, {input, integers({1, 2, 3, 2})}, pooled);
  const Graph graph = read(input, pooled);
  EXPECT_EQ(outputs_of(graph), counting(12));
}

// Upsampling by repetition, in five dimensions.
TEST_F(LayoutOperators, TilesAnyAxis) {
  const auto input = tensor({1, 2, 1, 2, 1});
  const auto output = tensor({1, 2, 2, 2, 2});
  add(tflite::BuiltinOperator_TILE, {input, integers({1, 1, 2, 1, 2})}, output);
  EXPECT_THAT(outputs_of(read(input, output)),
              ElementsAre(0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3));
}

TEST_F(LayoutOperators, TilesNoMoreThanATensorMayHave) {
  const auto input = tensor({1, 2, 2});
  const auto output = tensor({1, 2, 2});
  add(tflite::BuiltinOperator_TILE, {input, integers({1, 1 << 30, 1})}, output);
  EXPECT_THAT(complaint(input, output), HasSubstr("2147483648 elements along axis 1"));
}

TEST_F(LayoutOperators, JoinsAlongTheBatch) {
  const auto input = tensor({1, 1, 2, 2});
  const auto output = tensor({2, 1, 2, 2});
  add(tflite::BuiltinOperator_CONCATENATION, {input, input}, output,
      tflite::CreateConcatenationOptions(fbb_, 0));
  EXPECT_THAT(outputs_of(read(input, output)), ElementsAre(0, 1, 2, 3, 0, 1, 2, 3));
}

TEST_F(LayoutOperators, JoinsFiveDimensions) {
  const auto input = tensor({1, 2, 1, 2, 1});
  const auto output = tensor({1, 2, 1, 4, 1});
  add(tflite::BuiltinOperator_CONCATENATION, {input, input}, output,
      tflite::CreateConcatenationOptions(fbb_, -2));
  EXPECT_THAT(outputs_of(read(input, output)), ElementsAre(0, 1, 0, 1, 2, 3, 2, 3));
}

TEST_F(LayoutOperators, PacksVectors) {
  const auto input = tensor({3});
  const auto output = tensor({2, 3});
  add(tflite::BuiltinOperator_PACK, {input, input}, output, tflite::CreatePackOptions(fbb_, 2, 0));
  EXPECT_THAT(outputs_of(read(input, output)), ElementsAre(0, 1, 2, 0, 1, 2));
}

TEST_F(LayoutOperators, PacksActivations) {
  const auto input = tensor({1, 2, 2});
  const auto output = tensor({1, 2, 2, 2});
  add(tflite::BuiltinOperator_PACK, {input, input}, output, tflite::CreatePackOptions(fbb_, 2, 2));
  EXPECT_THAT(outputs_of(read(input, output)), ElementsAre(0, 1, 0, 1, 2, 3, 2, 3));
}

TEST_F(LayoutOperators, UnpacksOneOfOne) {
  const auto input = tensor({1, 1, 3});
  const auto output = tensor({1, 3});
  add(tflite::BuiltinOperator_UNPACK, {input}, output, tflite::CreateUnpackOptions(fbb_, 1, 1));
  EXPECT_EQ(outputs_of(read(input, output)), counting(3));
}

// Of no dimensions: nothing to keep the number of.
TEST_F(LayoutOperators, FullyConnectedNeedsDimensions) {
  const auto input = tensor({});
  const auto output = tensor({1, 1});
  Constant weights;
  weights.name = "weights";
  weights.dims = {1, 1};
  weights.scales = {1};
  weights.data = {std::byte{1}};
  const auto constant = builder_.add_constant(weights);
  add(tflite::BuiltinOperator_FULLY_CONNECTED, {input, constant}, output,
      tflite::CreateFullyConnectedOptions(fbb_, tflite::ActivationFunction_NONE, 0, true));
  EXPECT_THAT(complaint(input, output), HasSubstr("no dimensions to keep"));
}

// Channels change places with groups, as in networks that shuffle them.
TEST_F(LayoutOperators, TransposesFiveDimensions) {
  const auto input = tensor({1, 1, 2, 2, 3});
  const auto output = tensor({1, 1, 2, 3, 2});
  add(tflite::BuiltinOperator_TRANSPOSE, {input, integers({0, 1, 2, 4, 3})}, output);
  EXPECT_THAT(outputs_of(read(input, output)), ElementsAre(0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11));
}

// Where its size is left open, no swap of dimensions may hide that the batch moves.
TEST_F(LayoutOperators, TransposesTheBatch) {
  const auto input = tensor({1, 3, 2, 2}, {-1, 3, 2, 2});
  const auto output = tensor({2, 3, 1, 2}, {2, 3, -1, 2});
  add(tflite::BuiltinOperator_TRANSPOSE, {input, integers({2, 1, 0, 3})}, output);
  EXPECT_THAT(outputs_of(read(input, output)), ElementsAre(0, 1, 4, 5, 8, 9, 2, 3, 6, 7, 10, 11));
}

TEST_F(LayoutOperators, TransposesNoMoreThanThreeDimensions) {
  const auto input = tensor({2, 2, 2, 2});
  const auto output = tensor({2, 2, 2, 2});
  add(tflite::BuiltinOperator_TRANSPOSE, {input, integers({3, 2, 1, 0})}, output);
  EXPECT_THAT(complaint(input, output), HasSubstr("more than three dimensions"));
}

// Their views agree, they do not.
TEST_F(LayoutOperators, BatchesDoNotBroadcast) {
  const auto input = tensor({1, 4, 1, 4}, {-1, 4, 1, 4});
  const auto batch = tensor({4, 1, 1, 4}, {-1, 1, 1, 4});
  const auto output = tensor({4, 4, 1, 4}, {-1, 4, 1, 4});
  add(tflite::BuiltinOperator_RESHAPE, {input, integers({4, 1, 1, 4})}, batch);
  add(tflite::BuiltinOperator_ADD, {batch, input}, output, tflite::CreateAddOptions(fbb_));
  EXPECT_THAT(complaint(input, output), HasSubstr("operands of 4x1x1x4 and 1x4x1x4"));
}

// Operators on single dimensions need a map.
TEST_F(LayoutOperators, DimensionsOfSixAreNoMap) {
  const Dims six = {1, 1, 1, 2, 2, 2};
  const auto input = tensor(six);
  const auto output = tensor(six);
  add(tflite::BuiltinOperator_PAD, {input, integers({0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1})}, output,
      tflite::CreatePadOptions(fbb_));
  EXPECT_THAT(complaint(input, output), HasSubstr("6 dimensions are not supported here"));
}

TEST_F(LayoutOperators, MeansOfSixAreNoMap) {
  const Dims six = {1, 1, 1, 2, 2, 2};
  const auto input = tensor(six);
  const auto output = tensor(six);
  add(tflite::BuiltinOperator_MEAN, {input, integers({})}, output,
      tflite::CreateReducerOptions(fbb_, true));
  EXPECT_THAT(complaint(input, output), HasSubstr("6 dimensions are not supported here"));
}

TEST_F(LayoutOperators, CastsToTheSameType) {
  const auto input = tensor({1, 3});
  const auto output = tensor({1, 3});
  add(tflite::BuiltinOperator_CAST, {input}, output);
  EXPECT_EQ(outputs_of(read(input, output)), counting(3));
}

}  // namespace
}  // namespace mcunet::engine
