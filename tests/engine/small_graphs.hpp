#pragma once

#include <initializer_list>
#include <vector>

#include "mcunet/engine/graph/graph.hpp"
#include "mcunet/engine/reference/reference_executor.hpp"

// Quantized graphs of one operator that fit on a line of a test.
namespace mcunet::engine {

struct Quantized {
  Shape shape;
  Quantization quantization = {1, 0};
};

inline Graph one_op_graph(const Op& op, std::initializer_list<Quantized> inputs,
                          const Quantized& output, const OpDetails* details = nullptr) {
  Graph graph;
  std::vector<TensorId> ids;
  for (const Quantized& input : inputs) {
    ids.push_back(add_input(graph, input.shape));
    edit_info(graph, ids.back()).quantization = input.quantization;
  }
  Op own = op;
  own.has_bias = details != nullptr && details->bias != kNoId;
  if (details != nullptr) edit_details(graph, own) = *details;
  const TensorId id = append_op(graph, own, ids, Tensor{output.shape, DataType::kInt8});
  edit_info(graph, id).quantization = output.quantization;
  graph.outputs = {id};
  return graph;
}

template <typename Value>
std::vector<std::byte> bytes_of(const std::vector<Value>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

inline std::vector<std::byte> int8_bytes(const std::vector<int>& values) {
  return bytes_of(std::vector<std::int8_t>(values.begin(), values.end()));
}

inline Constant int8_constant(std::vector<std::int32_t> dims, const std::vector<int>& values,
                              std::vector<float> scales = {1}) {
  Constant constant;
  constant.dims = std::move(dims);
  constant.scales = std::move(scales);
  constant.data = int8_bytes(values);
  return constant;
}

inline Constant int32_constant(const std::vector<std::int32_t>& values) {
  Constant constant;
  constant.type = DataType::kInt32;
  constant.dims = {static_cast<std::int32_t>(values.size())};
  constant.data = bytes_of(values);
  return constant;
}

// The first output's int8 values.
inline std::vector<int> run_int8(const Graph& graph,
                                 std::initializer_list<std::vector<int>> inputs) {
  std::vector<TensorBytes> bytes;
  for (const auto& input : inputs) bytes.push_back(int8_bytes(input));
  const std::vector<TensorBytes> outputs = execute(graph, bytes);
  std::vector<int> values;
  for (std::byte byte : outputs[0]) {
    values.push_back(std::to_integer<std::int8_t>(byte));
  }
  return values;
}

}  // namespace mcunet::engine
