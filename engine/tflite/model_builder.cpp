#include "tflite/model_builder.hpp"

#include <algorithm>
#include <cstring>

namespace mcunet::engine {
namespace {

constexpr std::size_t kAlignment = 16;
constexpr std::uint32_t kVersion = 3;
// Codes from here on do not fit the format's older field, which then holds this one.
constexpr int kLastDeprecatedCode = 127;

tflite::TensorType tensor_type(DataType type) {
  switch (type) {
    case DataType::kInt4:
      return tflite::TensorType_INT4;
    case DataType::kInt8:
      return tflite::TensorType_INT8;
    case DataType::kUint8:
      return tflite::TensorType_UINT8;
    case DataType::kInt16:
      return tflite::TensorType_INT16;
    case DataType::kInt32:
      return tflite::TensorType_INT32;
    case DataType::kFloat32:
      break;
  }
  return tflite::TensorType_FLOAT32;
}

flatbuffers::Offset<tflite::QuantizationParameters> quantization(
    flatbuffers::FlatBufferBuilder& fbb, const std::vector<float>& scales, std::int64_t zero_point,
    std::int32_t axis) {
  if (scales.empty()) return 0;
  const std::vector<std::int64_t> zero_points(scales.size(), zero_point);
  return tflite::CreateQuantizationParametersDirect(fbb, nullptr, nullptr, &scales, &zero_points,
                                                    /*details_type=*/0, /*reserved_details=*/0,
                                                    axis);
}

}  // namespace

TfliteModelBuilder::TfliteModelBuilder() {
  buffers_.push_back(tflite::CreateBuffer(fbb_));  // that of tensors without contents
}

std::uint32_t TfliteModelBuilder::add_buffer(std::span<const std::byte> data) {
  fbb_.ForceVectorAlignment(data.size(), 1, kAlignment);
  const auto bytes =
      fbb_.CreateVector(reinterpret_cast<const std::uint8_t*>(data.data()), data.size());
  buffers_.push_back(tflite::CreateBuffer(fbb_, bytes));
  return static_cast<std::uint32_t>(buffers_.size() - 1);
}

std::int32_t TfliteModelBuilder::add_tensor(flatbuffers::Offset<tflite::Tensor> tensor) {
  tensors_.push_back(tensor);
  return static_cast<std::int32_t>(tensors_.size() - 1);
}

std::int32_t TfliteModelBuilder::add_activation(const std::string& name, DataType type,
                                                const std::vector<std::int32_t>& dims,
                                                const Quantization& q,
                                                const std::vector<std::int32_t>& signature) {
  return add_tensor(tflite::CreateTensorDirect(
      fbb_, &dims, tensor_type(type), /*buffer=*/0, name.c_str(), quantization_of(q),
      /*is_variable=*/false, /*sparsity=*/0, signature.empty() ? nullptr : &signature));
}

std::int32_t TfliteModelBuilder::add_variable(const std::string& name, DataType type,
                                              const std::vector<std::int32_t>& dims,
                                              const Quantization& q) {
  return add_tensor(tflite::CreateTensorDirect(fbb_, &dims, tensor_type(type), /*buffer=*/0,
                                               name.c_str(), quantization_of(q),
                                               /*is_variable=*/true));
}

flatbuffers::Offset<tflite::QuantizationParameters> TfliteModelBuilder::quantization_of(
    const Quantization& q) {
  std::vector<float> scales;
  if (q.scale != 0) scales.push_back(q.scale);
  return quantization(fbb_, scales, q.zero_point, 0);
}

std::int32_t TfliteModelBuilder::add_constant(const Constant& constant) {
  const std::uint32_t buffer = add_buffer(constant.data);
  const auto parameters =
      quantization(fbb_, constant.scales, constant.zero_point, constant.channel_axis);
  return add_tensor(tflite::CreateTensorDirect(fbb_, &constant.dims, tensor_type(constant.type),
                                               buffer, constant.name.c_str(), parameters));
}

std::int32_t TfliteModelBuilder::add_handle(const std::string& name) {
  const std::vector<std::int32_t> dims;
  return add_tensor(
      tflite::CreateTensorDirect(fbb_, &dims, tflite::TensorType_RESOURCE, 0, name.c_str()));
}

std::int32_t TfliteModelBuilder::add_integers(const std::string& name,
                                              const std::vector<std::int32_t>& values,
                                              const std::vector<std::int32_t>& dims) {
  Constant constant;
  constant.name = name;
  constant.type = DataType::kInt32;
  constant.dims = dims;
  const auto bytes = std::as_bytes(std::span(values));
  constant.data.assign(bytes.begin(), bytes.end());
  return add_constant(constant);
}

void TfliteModelBuilder::add_operator(tflite::BuiltinOperator code, int version,
                                      const std::vector<std::int32_t>& inputs, std::int32_t output,
                                      tflite::BuiltinOptions options_type,
                                      flatbuffers::Offset<void> options) {
  add_operator(code, version, inputs, std::vector{output}, options_type, options);
}

void TfliteModelBuilder::add_operator(tflite::BuiltinOperator code, int version,
                                      const std::vector<std::int32_t>& inputs,
                                      const std::vector<std::int32_t>& outputs,
                                      tflite::BuiltinOptions options_type,
                                      flatbuffers::Offset<void> options,
                                      const std::vector<std::int32_t>& intermediates) {
  const auto [entry, is_new] =
      code_indices_.try_emplace({code, version}, static_cast<std::uint32_t>(code_indices_.size()));
  if (is_new) {
    const auto deprecated = static_cast<std::int8_t>(std::min<int>(code, kLastDeprecatedCode));
    codes_.push_back(tflite::CreateOperatorCode(fbb_, deprecated, 0, version, code));
  }
  operators_.push_back(tflite::CreateOperatorDirect(
      fbb_, entry->second, &inputs, &outputs, options_type, options, /*custom_options=*/nullptr,
      /*custom_options_format=*/0, /*mutating_variable_inputs=*/nullptr,
      intermediates.empty() ? nullptr : &intermediates));
}

void TfliteModelBuilder::end_graph(const std::vector<std::int32_t>& inputs,
                                   const std::vector<std::int32_t>& outputs) {
  const char* const name = subgraphs_.empty() ? "main" : "first";
  subgraphs_.push_back(
      tflite::CreateSubGraphDirect(fbb_, &tensors_, &inputs, &outputs, &operators_, name));
  tensors_.clear();
  operators_.clear();
}

std::vector<std::byte> TfliteModelBuilder::finish(const std::vector<std::int32_t>& inputs,
                                                  const std::vector<std::int32_t>& outputs) {
  end_graph(inputs, outputs);
  tflite::FinishModelBuffer(
      fbb_, tflite::CreateModelDirect(fbb_, kVersion, &codes_, &subgraphs_, "mcunet", &buffers_));
  const auto bytes = std::as_bytes(fbb_.GetBufferSpan());
  return {bytes.begin(), bytes.end()};
}

}  // namespace mcunet::engine
