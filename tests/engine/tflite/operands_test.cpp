// Operators of a file that combine two tensors or compute functions, in the forms that need care: as the
// graph that each becomes, or as the line that it is refused with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

class Operands : public testing::Test {
 protected:
  std::int32_t tensor(const Dims& dims, const Quantization& quantization = {1, 0}) {
    return builder_.add_activation("t" + std::to_string(next_++), DataType::kInt8, dims,
                                   quantization);
  }
  std::int32_t constant(const Dims& dims, std::vector<float> scales = {1}) {
    Constant values{.name = "constant", .dims = dims, .scales = std::move(scales)};
    values.data.resize(static_cast<std::size_t>(values.elements()), std::byte{2});
    return builder_.add_constant(values);
  }

  void add(tflite::BuiltinOperator code, const Dims& inputs, std::int32_t output) {
    builder_.add_operator(code, 1, inputs, output, tflite::BuiltinOptions_NONE, {});
  }
  // What makes a model one of int8, but for some operators.
  std::int32_t after_relus(std::int32_t input, const Quantization& quantization) {
    for (int i = 0; i < 6; ++i) {
      const std::int32_t output = tensor({1, 4}, quantization);
      add(tflite::BuiltinOperator_RELU, {input}, output);
      input = output;
    }
    return input;
  }
  void add_matmul(const Dims& inputs, std::int32_t output, bool adj_x = false, bool adj_y = false) {
    builder_.add_operator(tflite::BuiltinOperator_BATCH_MATMUL, 2, inputs, output,
                          tflite::BuiltinOptions_BatchMatMulOptions,
                          tflite::CreateBatchMatMulOptions(builder_.fbb(), adj_x, adj_y).Union());
  }

  Graph read(const Dims& inputs, std::int32_t output) {
    Graph graph = read_tflite(builder_.finish(inputs, {output}), "memory");
    EXPECT_EQ(read_tflite(write_tflite(graph), "written"), graph);
    return graph;
  }
  std::string complaint(const Dims& inputs, std::int32_t output) {
    try {
      read_tflite(builder_.finish(inputs, {output}), "memory");
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
  // Of inputs that count from 1.
  static std::vector<int> outputs_of(const Graph& graph) {
    std::vector<TensorBytes> inputs;
    for (const TensorId id : graph.inputs) {
      inputs.emplace_back(static_cast<std::size_t>(graph.tensors[id].bytes()));
      for (std::size_t i = 0; i < inputs.back().size(); ++i) {
        inputs.back()[i] = static_cast<std::byte>(i + 1);
      }
    }
    const std::vector<TensorBytes> outputs = execute(graph, inputs);
    std::vector<int> values;
    for (const std::byte value : outputs[0]) {
      values.push_back(static_cast<std::int8_t>(value));
    }
    return values;
  }

  TfliteModelBuilder builder_;
  int next_ = 0;
};

TEST_F(Operands, MatricesAreTheLastTwoDimensions) {
  const auto a = tensor({1, 2, 1, 2}), b = tensor({2, 2, 1}), output = tensor({1, 2, 1, 1});
  add_matmul({a, b}, output);
  const Graph graph = read({a, b}, output);
  EXPECT_EQ(graph.ops.size(), 1u);
  EXPECT_THAT(outputs_of(graph), ElementsAre(1 * 1 + 2 * 2, 3 * 3 + 4 * 4));
}

TEST_F(Operands, OneMatrixServesAll) {
  const auto a = tensor({2, 2}), b = tensor({3, 1, 2, 1}), output = tensor({3, 1, 2, 1});
  add_matmul({a, b}, output);
  EXPECT_THAT(outputs_of(read({a, b}, output)), ElementsAre(5, 11, 11, 25, 17, 39));
}

TEST_F(Operands, EitherMatrixMayBeTransposed) {
  const auto a = tensor({1, 2, 2}), b = tensor({1, 2, 2}), output = tensor({1, 2, 2});
  add_matmul({a, b}, output, /*adj_x=*/true, /*adj_y=*/true);
  const Graph graph = read({a, b}, output);
  ASSERT_EQ(graph.ops.size(), 2u);
  EXPECT_EQ(graph.ops[0].kind, OpKind::kTranspose);
  EXPECT_THAT(outputs_of(graph), ElementsAre(7, 15, 10, 22));
}

TEST_F(Operands, EitherMatrixMayBeConstant) {
  const auto a = tensor({2, 1}), output = tensor({2, 2});
  add_matmul({a, constant({1, 2})}, output);
  EXPECT_THAT(outputs_of(read({a}, output)), ElementsAre(2, 2, 4, 4));
}

TEST_F(Operands, TheFirstMatrixMayBeConstant) {
  const auto b = tensor({1, 2}), output = tensor({2, 2});
  add_matmul({constant({2, 1}), b}, output);
  EXPECT_THAT(outputs_of(read({b}, output)), ElementsAre(2, 4, 2, 4));
}

TEST_F(Operands, AConstantMatrixIsNotTransposed) {
  const auto b = tensor({1, 2}), output = tensor({2, 2});
  add_matmul({constant({1, 2}), b}, output, /*adj_x=*/true);
  EXPECT_THAT(complaint({b}, output), HasSubstr("'constant': is constant and transposed"));
}

TEST_F(Operands, MatricesDoNotRepeatAlongSeveralDimensions) {
  const auto a = tensor({2, 1, 2, 2}), b = tensor({1, 3, 2, 2}), output = tensor({2, 3, 2, 2});
  add_matmul({a, b}, output);
  EXPECT_THAT(complaint({a, b}, output),
              HasSubstr("matrices of 2x1x2x2 and 1x3x2x2 are not supported"));
}

TEST_F(Operands, MatricesMustFit) {
  const auto a = tensor({2, 3}), b = tensor({2, 2}), output = tensor({2, 2});
  add_matmul({a, b}, output);
  EXPECT_THAT(complaint({a, b}, output), HasSubstr("batch_matmul of matrices 2x3 and 2x2"));
}

TEST_F(Operands, ScalesOfMatricesMayBeAbsurd) {
  const auto a = tensor({1, 1}, {1e20F, 0}), b = tensor({1, 1}, {1e19F, 0});
  const auto output = tensor({1, 1}, {3e38F, 0});
  add_matmul({a, b}, output);
  EXPECT_THAT(outputs_of(read({a, b}, output)), ElementsAre(1));
}

TEST_F(Operands, AVectorIsNoMatrix) {
  const auto a = tensor({3}), b = tensor({3, 2}), output = tensor({2});
  add_matmul({a, b}, output);
  EXPECT_THAT(complaint({a, b}, output), HasSubstr("'t0': is no matrix"));
}

TEST_F(Operands, SlopesRepeat) {
  const auto input = tensor({1, 1, 2, 2}, {1, 3}), output = tensor({1, 1, 2, 2});
  add(tflite::BuiltinOperator_PRELU, {input, constant({1, 1, 2})}, output);
  EXPECT_THAT(outputs_of(read({input}, output)), ElementsAre(-4, -2, 0, 1));
}

TEST_F(Operands, SlopesHaveOneScale) {
  const auto input = tensor({1, 1, 2, 2}), output = tensor({1, 1, 2, 2});
  add(tflite::BuiltinOperator_PRELU, {input, constant({1, 1, 2}, {1, 2})}, output);
  EXPECT_THAT(complaint({input}, output), HasSubstr("'constant': needs one positive scale"));
}

TEST_F(Operands, OnlySlopesAreConstant) {
  const auto input = tensor({1, 1, 1, 2}), output = tensor({1, 1, 2, 2});
  add(tflite::BuiltinOperator_PRELU, {constant({1, 1, 2, 2}), input}, output);
  EXPECT_THAT(complaint({input}, output), HasSubstr("a constant is not supported here"));
}

TEST_F(Operands, OnlyNumbersAroundZeroAreNegated) {
  const auto input = tensor({1, 4}, {1, 2}), output = tensor({1, 4}, {1, 2});
  add(tflite::BuiltinOperator_NEG, {input}, output);
  EXPECT_THAT(complaint({input}, output), HasSubstr("its zero point is 2, not 0"));
}

TEST_F(Operands, ANegationInFloatIsAProduct) {
  const auto real = [this] { return builder_.add_activation("f", DataType::kFloat32, {1, 4}, {}); };
  const auto input = tensor({1, 4}, {0.1F, 3}), from = real(), to = real();
  const auto output = tensor({1, 4}, {0.1F, -4});
  add(tflite::BuiltinOperator_DEQUANTIZE, {input}, from);
  add(tflite::BuiltinOperator_NEG, {from}, to);
  add(tflite::BuiltinOperator_QUANTIZE, {to}, output);
  const Graph graph = read({input}, output);
  EXPECT_EQ(graph.ops.size(), 1u);
  EXPECT_EQ(graph.tensors.size(), 2u);
  EXPECT_THAT(outputs_of(graph), ElementsAre(-2, -3, -4, -5));
}

TEST_F(Operands, ANegationInFloatKeepsTheScale) {
  const auto real = [this] { return builder_.add_activation("f", DataType::kFloat32, {1, 4}, {}); };
  const auto input = tensor({1, 4}, {0.1F, 3}), from = real(), to = real();
  const auto output = tensor({1, 4}, {0.2F, -4});
  add(tflite::BuiltinOperator_DEQUANTIZE, {after_relus(input, {0.1F, 3})}, from);
  add(tflite::BuiltinOperator_NEG, {from}, to);
  add(tflite::BuiltinOperator_QUANTIZE, {to}, output);
  EXPECT_THAT(complaint({input}, output), HasSubstr("is a negated tensor with another scale"));
}

// What a variable holds at first is a tensor that no operator makes.
TEST_F(Operands, AVariableBeforeANegationInFloatStays) {
  const auto input = tensor({1, 4}, {0.1F, 3}), kept = tensor({1, 6});
  const auto from = builder_.add_activation("f", DataType::kFloat32, {1, 4}, {});
  const auto to = builder_.add_activation("g", DataType::kFloat32, {1, 4}, {});
  const auto output = tensor({1, 4}, {0.1F, -4});
  const std::int32_t handle = builder_.add_handle("handle");
  add(tflite::BuiltinOperator_DEQUANTIZE, {after_relus(input, {0.1F, 3})}, from);
  builder_.add_operator(tflite::BuiltinOperator_VAR_HANDLE, 1, {}, handle,
                        tflite::BuiltinOptions_VarHandleOptions,
                        tflite::CreateVarHandleOptionsDirect(builder_.fbb(), "", "v").Union());
  add(tflite::BuiltinOperator_READ_VARIABLE, {handle}, kept);
  add(tflite::BuiltinOperator_NEG, {from}, to);
  add(tflite::BuiltinOperator_QUANTIZE, {to}, output);
  EXPECT_THAT(complaint({input}, output), HasSubstr("(NEG), producing tensor"));
}

TEST_F(Operands, ANegationInFloatIsConvertedBack) {
  const auto input = tensor({1, 4}, {0.1F, 3});
  const auto from = builder_.add_activation("f", DataType::kFloat32, {1, 4}, {});
  const auto to = builder_.add_activation("g", DataType::kFloat32, {1, 4}, {});
  add(tflite::BuiltinOperator_DEQUANTIZE, {after_relus(input, {0.1F, 3})}, from);
  add(tflite::BuiltinOperator_NEG, {from}, to);
  EXPECT_THAT(complaint({input}, to), HasSubstr("'g': is negated in float"));
}

TEST_F(Operands, FunctionsNeedTheirOptions) {
  const auto input = tensor({1, 4}), output = tensor({1, 4});
  add(tflite::BuiltinOperator_GELU, {input}, output);
  EXPECT_THAT(complaint({input}, output), HasSubstr("its options are missing"));
}

TEST_F(Operands, ScalesOfRootsMustNotExplode) {
  const auto input = tensor({1, 4}, {1e-30F, 0}), output = tensor({1, 4}, {1e-10F, 0});
  add(tflite::BuiltinOperator_RSQRT, {input}, output);
  EXPECT_THAT(complaint({input}, output), HasSubstr("its scales give a factor of"));
}

}  // namespace
}  // namespace mcunet::engine
