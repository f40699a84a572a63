#include "output_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <numeric>

namespace mcunet::cli {
namespace {

using deploy::Int8Bytes;
using deploy::ModelDescription;
using deploy::ModelTensor;
using Json = nlohmann::ordered_json;

// A tensor's values as numbers of its type.
std::vector<double> values_of(const Int8Bytes& bytes, const ModelTensor& tensor) {
  std::vector<double> values(static_cast<std::size_t>(tensor.elements()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    float real = 0;
    if (tensor.type == engine::DataType::kFloat32) {
      std::memcpy(&real, bytes.data() + i * sizeof(real), sizeof(real));
      values[i] = real;
    } else {
      const bool is_unsigned = tensor.type == engine::DataType::kUint8;
      values[i] = is_unsigned ? static_cast<std::uint8_t>(bytes[i]) : bytes[i];
    }
  }
  return values;
}

// TensorFlow Lite gives a softmax the steps of 1/256 from 0 on.
bool is_softmax(const std::vector<double>& real, const ModelTensor& tensor) {
  if (tensor.type != engine::DataType::kFloat32) {
    const int zero = tensor.type == engine::DataType::kUint8 ? 0 : -128;
    return tensor.zero_point == zero && std::abs(tensor.scale - 1.0 / 256) < 1e-9;
  }
  const double sum = std::accumulate(real.begin(), real.end(), 0.0);
  return std::abs(sum - 1) < 0.02 && *std::min_element(real.begin(), real.end()) >= 0;
}

}  // namespace

std::size_t index_of_largest(const Int8Bytes& output, const ModelTensor& tensor) {
  const std::vector<double> values = values_of(output, tensor);
  return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
}

std::vector<double> real_values_of(const Int8Bytes& output, const ModelTensor& tensor) {
  std::vector<double> real = values_of(output, tensor);
  if (tensor.type != engine::DataType::kFloat32) {
    for (double& value : real) value = tensor.scale * (value - tensor.zero_point);
  }
  return real;
}

std::vector<double> probabilities_of(const Int8Bytes& output, const ModelTensor& tensor) {
  std::vector<double> values = real_values_of(output, tensor);
  if (is_softmax(values, tensor)) return values;
  const double largest = *std::max_element(values.begin(), values.end());
  for (double& value : values) value = std::exp(value - largest);
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  for (double& value : values) value /= sum;
  return values;
}

std::vector<std::size_t> order_of_largest(const std::vector<double>& values, std::size_t count) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  count = std::min(count, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [&](std::size_t a, std::size_t b) {
                      return values[a] != values[b] ? values[a] > values[b] : a < b;
                    });
  order.resize(count);
  return order;
}

Json outputs_to_json(const ModelDescription& model, const std::vector<Int8Bytes>& outputs) {
  Json list = Json::array();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const ModelTensor& tensor = model.outputs[i];
    const std::vector<double> values = values_of(outputs[i], tensor);
    if (tensor.type == engine::DataType::kFloat32) {
      list.push_back(values);
    } else {
      list.push_back(std::vector<int>(values.begin(), values.end()));
    }
  }
  return list;
}

std::string describe_top(const Int8Bytes& output, const ModelTensor& tensor,
                         const std::vector<std::string>& classes) {
  constexpr std::size_t kShown = 3;
  const std::vector<double> real = real_values_of(output, tensor);
  std::string text;
  for (const std::size_t i : order_of_largest(real, kShown)) {
    text += fmt::format("{}{}: {:.3g}", text.empty() ? "" : "  ",
                        classes.empty() ? std::to_string(i) : classes[i], real[i]);
  }
  return text;
}

}  // namespace mcunet::cli
