#include "tflite/model_kind.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/tflite/reader.hpp"

namespace mcunet::engine {
namespace {

using testing::HasSubstr;
using tflite::TensorType;

// A fully connected layer of one feature on activations and weights of these types, in the tables
// of the format itself, as the model builder knows the engine's types alone.
std::string complaint(TensorType activations, TensorType weights, const char* custom = nullptr) {
  flatbuffers::FlatBufferBuilder fbb;
  const std::vector<std::uint8_t> bytes(4, 0);
  const std::vector buffers = {tflite::CreateBuffer(fbb), tflite::CreateBufferDirect(fbb, &bytes)};
  const std::vector<std::int32_t> dims = {1, 1};
  const std::vector<float> scales = {1};
  const std::vector<std::int64_t> zero_points = {0};
  const auto quantization =
      tflite::CreateQuantizationParametersDirect(fbb, nullptr, nullptr, &scales, &zero_points);
  const std::vector tensors = {
      tflite::CreateTensorDirect(fbb, &dims, activations, 0, "in", quantization),
      tflite::CreateTensorDirect(fbb, &dims, weights, 1, "weights", quantization),
      tflite::CreateTensorDirect(fbb, &dims, activations, 0, "out", quantization)};
  const std::vector<std::int32_t> inputs = {0, 1};
  const std::vector<std::int32_t> output = {2};
  const auto options = tflite::CreateFullyConnectedOptions(fbb);
  const std::vector operators = {tflite::CreateOperatorDirect(
      fbb, 0, &inputs, &output, tflite::BuiltinOptions_FullyConnectedOptions, options.Union())};
  const auto code =
      custom == nullptr ? tflite::BuiltinOperator_FULLY_CONNECTED : tflite::BuiltinOperator_CUSTOM;
  const std::vector codes = {
      tflite::CreateOperatorCodeDirect(fbb, static_cast<std::int8_t>(code), custom, 1, code)};
  const std::vector<std::int32_t> input = {0};
  const std::vector subgraphs = {
      tflite::CreateSubGraphDirect(fbb, &tensors, &input, &output, &operators, "main")};
  tflite::FinishModelBuffer(fbb,
                            tflite::CreateModelDirect(fbb, 3, &codes, &subgraphs, "", &buffers));
  try {
    read_tflite(std::as_bytes(fbb.GetBufferSpan()), "m.tflite");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(ModelKind, CallsModelsByTheirNames) {
  using namespace tflite;
  EXPECT_THAT(complaint(TensorType_FLOAT32, TensorType_FLOAT32),
              HasSubstr("m.tflite: is a float model: quantize it to int8"));
  EXPECT_THAT(complaint(TensorType_FLOAT32, TensorType_FLOAT16),
              HasSubstr("is a float model with weights of float16"));
  EXPECT_THAT(complaint(TensorType_FLOAT32, TensorType_INT8),
              HasSubstr("is quantized in its weights only and computes in float"));
  EXPECT_THAT(complaint(TensorType_INT16, TensorType_INT8), HasSubstr("has activations of int16"));
  EXPECT_THAT(complaint(TensorType_UINT8, TensorType_UINT8),
              HasSubstr("computes in uint8, as TensorFlow 1 quantized"));
  EXPECT_THAT(complaint(TensorType_INT8, TensorType_INT8, "ethos-u"), HasSubstr("Ethos-U"));
  EXPECT_THAT(complaint(TensorType_UINT8, TensorType_UINT8, "edgetpu-custom-op"),
              HasSubstr("Edge TPU"));
  EXPECT_THAT(complaint(TensorType_INT8, TensorType_INT8, "Mine"),
              HasSubstr("operator 0 (CUSTOM Mine), producing tensor 2 'out': is not supported"));
}

TEST(ModelKind, NibblesAreForWeights) {
  using namespace tflite;
  EXPECT_THAT(complaint(TensorType_INT8, TensorType_INT4),
              HasSubstr("tensor 1 'weights': has 4 bytes instead of 1"));
}

// Not one of the whole model, but of its operator.
TEST(ModelKind, NamesTypesThatAreUnknown) {
  EXPECT_THAT(complaint(tflite::TensorType_INT8, tflite::TensorType_INT2),
              HasSubstr("tensor 1 'weights': type int2 is not supported"));
  EXPECT_THAT(complaint(tflite::TensorType_COMPLEX64, tflite::TensorType_INT8),
              HasSubstr("m.tflite: tensor 0 'in': type complex64 is not supported"));
}

}  // namespace
}  // namespace mcunet::engine
