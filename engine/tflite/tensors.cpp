#include "tflite/tensors.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/graph_validator.hpp"
#include "mcunet/engine/graph/shape_inference.hpp"

namespace mcunet::engine {
namespace {

constexpr std::size_t kMaxRank = 6;
constexpr std::size_t kMapRank = 4;
constexpr std::size_t kMaxSharedBytes = std::size_t{64} << 20;
// What a description shows of a name that may have any length.
constexpr std::size_t kShownName = 100;

}  // namespace

Shape view_of(std::span<const std::int32_t> dims) {
  const std::size_t leading = dims.size() - std::min<std::size_t>(dims.size(), 3);
  Shape shape = shape_of_dims(dims);
  for (std::int32_t dim : dims.first(leading)) shape.height *= dim;
  return shape;
}

TfliteTensors::TfliteTensors(const tflite::Model& model, const tflite::SubGraph& subgraph,
                             std::size_t file_bytes)
    : model_(model), subgraph_(subgraph), bytes_left_(4 * file_bytes + kMaxSharedBytes) {}

const tflite::Tensor& TfliteTensors::at(std::int32_t index) const {
  const auto* tensors = subgraph_.tensors();
  if (tensors == nullptr || index < 0 || static_cast<std::uint32_t>(index) >= tensors->size()) {
    throw Error("there is no tensor {}", index);
  }
  return *tensors->Get(static_cast<std::uint32_t>(index));
}

std::string TfliteTensors::describe(std::int32_t index) const {
  const auto* name = at(index).name();
  const auto shown = name == nullptr ? std::string_view() : name->string_view();
  return fmt::format("tensor {} '{}'", index, shown.substr(0, kShownName));
}

std::string TfliteTensors::name(std::int32_t index) const {
  const auto* name = at(index).name();
  return name == nullptr ? "" : name->str();
}

DataType TfliteTensors::type(std::int32_t index) const {
  switch (at(index).type()) {
    case tflite::TensorType_FLOAT32:
      return DataType::kFloat32;
    case tflite::TensorType_INT32:
      return DataType::kInt32;
    case tflite::TensorType_UINT8:
      return DataType::kUint8;
    case tflite::TensorType_INT16:
      return DataType::kInt16;
    case tflite::TensorType_INT8:
      return DataType::kInt8;
    case tflite::TensorType_INT4:
      return DataType::kInt4;
    default:
      throw Error("{}: type {} is not supported", describe(index), type_name(index));
  }
}

std::string TfliteTensors::type_name(std::int32_t index) const {
  const tflite::TensorType type = at(index).type();
  std::string name = tflite::EnumNameTensorType(type);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name.empty() ? fmt::format("{}", static_cast<int>(type)) : name;
}

std::vector<std::int32_t> TfliteTensors::dims(std::int32_t index) const {
  if (const auto found = dims_.find(index); found != dims_.end()) return found->second;
  const auto* dims = at(index).shape();
  if (dims == nullptr) return {};
  return checked_dims(index, {dims->begin(), dims->end()});
}

std::vector<std::int32_t> TfliteTensors::checked_dims(std::int32_t index,
                                                      std::vector<std::int32_t> dims) const {
  if (dims.size() > kMaxRank) {
    throw Error("{}: {} dimensions are not supported", describe(index), dims.size());
  }
  const bool is_int64 = at(index).type() == tflite::TensorType_INT64;
  const int bits = is_int64 ? 64 : bits_per_element(type(index));
  std::int64_t elements = 1;
  for (std::int32_t dim : dims) {
    if (dim < 1 || elements > kMaxTensorBytes * 8 / bits / dim) {
      throw Error("{}: a dimension of {} is empty or too large", describe(index), dim);
    }
    elements *= dim;
  }
  return dims;
}

bool TfliteTensors::has_open_dims(std::int32_t index) const {
  const auto* signature = at(index).shape_signature();
  return signature != nullptr && !dims_.contains(index) &&
         std::find(signature->begin(), signature->end(), -1) != signature->end();
}

void TfliteTensors::set_dims(std::int32_t index, std::vector<std::int32_t> dims) {
  charge(dims.size() * sizeof(dims[0]));
  dims_[index] = checked_dims(index, std::move(dims));
}

bool TfliteTensors::is_map(std::int32_t index) const {
  const std::vector<std::int32_t> sizes = dims(index);
  return sizes.size() < kMapRank || (sizes.size() == kMapRank && sizes[0] == 1);
}

void TfliteTensors::require_map(std::int32_t index) const {
  if (is_map(index)) return;
  const std::vector<std::int32_t> sizes = dims(index);
  if (sizes.size() > kMapRank) {
    throw Error("{}: {} dimensions are not supported here", describe(index), sizes.size());
  }
  throw Error("{}: a batch of {} is not supported, only of 1", describe(index), sizes[0]);
}

const flatbuffers::Vector<std::uint8_t>* TfliteTensors::contents(std::int32_t index) const {
  const auto* buffers = model_.buffers();
  const std::uint32_t buffer = at(index).buffer();
  if (buffers == nullptr || buffer >= buffers->size()) {
    throw Error("{}: there is no buffer {}", describe(index), buffer);
  }
  if (buffers->Get(buffer)->size() > 1) {
    throw Error("{}: contents outside of the model are not supported", describe(index));
  }
  return buffers->Get(buffer)->data();
}

bool TfliteTensors::is_constant(std::int32_t index) const {
  const auto* data = contents(index);
  return data != nullptr && data->size() > 0;
}

Tensor TfliteTensors::activation(std::int32_t index) const {
  if (at(index).is_variable()) throw Error("{}: variables are not supported", describe(index));
  const Shape shape = view_of(dims(index));
  return {shape, type(index)};
}

Tensor TfliteTensors::variable(std::int32_t index) const {
  if (!at(index).is_variable()) throw Error("{}: is no variable", describe(index));
  if (is_constant(index)) throw Error("{}: is a variable with contents", describe(index));
  return {view_of(dims(index)), type(index)};
}

const flatbuffers::Vector<float>* TfliteTensors::scales(std::int32_t index) const {
  const auto* quantization = at(index).quantization();
  if (quantization == nullptr) return nullptr;
  if (quantization->details_type() != 0) {
    throw Error("{}: custom quantization is not supported", describe(index));
  }
  const auto* scale = quantization->scale();
  return scale == nullptr || scale->size() == 0 ? nullptr : scale;
}

std::int32_t TfliteTensors::zero_point(std::int32_t index) const {
  const auto* quantization = at(index).quantization();
  if (quantization == nullptr) return 0;
  const auto* points = quantization->zero_point();
  if (points == nullptr || points->size() == 0) return 0;
  if (points->size() != scales(index)->size()) {
    throw Error("{}: {} zero points for {} scales", describe(index), points->size(),
                scales(index)->size());
  }
  // Not Vector::Get(): nothing has checked that these are aligned to their 8 bytes.
  std::vector<std::int64_t> values(points->size());
  std::memcpy(values.data(), points->Data(), values.size() * sizeof(values[0]));
  const std::int64_t first = values[0];
  if (std::any_of(values.begin(), values.end(), [&](auto value) { return value != first; }) ||
      first != static_cast<std::int32_t>(first)) {
    throw Error("{}: its zero points differ or are out of range", describe(index));
  }
  return static_cast<std::int32_t>(first);
}

TensorInfo TfliteTensors::info(std::int32_t index) {
  TensorInfo info;
  info.name = name(index);
  charge(info.name.size());
  info.rank = is_map(index) ? static_cast<std::int32_t>(dims(index).size()) : 3;
  const auto* scale = scales(index);
  if (scale == nullptr || type(index) == DataType::kFloat32) return info;
  if (scale->size() != 1) {
    throw Error("{}: {} scales on an activation", describe(index), scale->size());
  }
  info.quantization = {scale->Get(0), zero_point(index)};
  if (!std::isfinite(info.quantization.scale)) {
    throw Error("{}: a scale of {}", describe(index), info.quantization.scale);
  }
  return info;
}

Constant TfliteTensors::constant(std::int32_t index) {
  const auto* data = contents(index);
  if (data == nullptr || data->size() == 0) throw Error("{}: is not constant", describe(index));
  if (at(index).sparsity() != nullptr) {
    throw Error("{}: sparse constants are not supported", describe(index));
  }
  Constant result;
  result.name = name(index);
  result.type = type(index);
  result.dims = dims(index);
  const auto bytes = bytes_of_elements(result.elements(), result.type);
  if (bytes != static_cast<std::int64_t>(data->size())) {
    throw Error("{}: has {} bytes instead of {}", describe(index), data->size(), bytes);
  }
  if (const auto* scale = scales(index); scale != nullptr) {
    charge(scale->size() * sizeof(float));
    result.scales.assign(scale->begin(), scale->end());
    for (float value : result.scales) {
      if (!std::isfinite(value)) throw Error("{}: a scale of {}", describe(index), value);
    }
    result.zero_point = zero_point(index);
    if (scale->size() > 1) result.channel_axis = at(index).quantization()->quantized_dimension();
  }
  charge(result.name.size() + data->size());
  result.data.resize(data->size());
  std::memcpy(result.data.data(), data->data(), data->size());
  return result;
}

bool TfliteTensors::has_integers(std::int32_t index) const {
  const tflite::TensorType type = at(index).type();
  return integers_.contains(index) ||
         ((type == tflite::TensorType_INT32 || type == tflite::TensorType_INT64) &&
          is_constant(index));
}

IntegerTensor TfliteTensors::integers(std::int32_t index) const {
  if (const auto found = integers_.find(index); found != integers_.end()) return found->second;
  if (!has_integers(index)) {
    throw Error("{}: is not a constant of int32 or int64", describe(index));
  }
  IntegerTensor result{dims(index), {}};
  std::size_t elements = 1;
  for (std::int32_t dim : result.dims) elements *= static_cast<std::size_t>(dim);
  const bool is_int64 = at(index).type() == tflite::TensorType_INT64;
  const auto* data = contents(index);
  if (elements > kMaxFoldedElements || data->size() != elements * (is_int64 ? 8 : 4)) {
    throw Error("{}: has {} bytes", describe(index), data->size());
  }
  // Not through a pointer to integers: nothing has checked that they are aligned.
  for (std::size_t i = 0; i < elements; ++i) {
    std::int64_t value = 0;
    std::int32_t narrow = 0;
    if (is_int64) std::memcpy(&value, data->data() + 8 * i, sizeof(value));
    if (!is_int64) std::memcpy(&narrow, data->data() + 4 * i, sizeof(narrow));
    result.values.push_back(is_int64 ? value : narrow);
  }
  return result;
}

std::vector<std::int32_t> TfliteTensors::short_integers(std::int32_t index) const {
  const IntegerTensor tensor = integers(index);
  if (tensor.values.size() > 2 * kMaxRank) {
    throw Error("{}: has {} values", describe(index), tensor.values.size());
  }
  std::vector<std::int32_t> values;
  for (std::int64_t value : tensor.values) {
    values.push_back(static_cast<std::int32_t>(value));
    if (values.back() != value) throw Error("{}: {} is too large", describe(index), value);
  }
  return values;
}

void TfliteTensors::set_integers(std::int32_t index, IntegerTensor value) {
  const tflite::TensorType type = at(index).type();
  if (type != tflite::TensorType_INT32 && type != tflite::TensorType_INT64) {
    throw Error("{}: is {}, which shape arithmetic does not give", describe(index),
                type_name(index));
  }
  for (std::int64_t element : value.values) {
    if (type == tflite::TensorType_INT32 && element != static_cast<std::int32_t>(element)) {
      throw Error("{}: {} is too large", describe(index), element);
    }
  }
  charge(value.values.size() * sizeof(value.values[0]));
  integers_[index] = std::move(value);
}

void TfliteTensors::charge(std::size_t bytes) {
  if (bytes > bytes_left_) throw Error("its tables share more contents than is plausible");
  bytes_left_ -= bytes;
}

}  // namespace mcunet::engine
