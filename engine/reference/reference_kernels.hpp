#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "mcunet/engine/arithmetic/quantized_arithmetic.hpp"
#include "mcunet/engine/graph/graph.hpp"

// The reference executor's kernels, one function per operator, in files by family.
namespace mcunet::engine {

// One operator with its inputs and the memory for its output; the graph is valid. Values of int4 are one per
// byte.
struct KernelCall {
  const Graph& graph;
  const Op& op;
  std::vector<std::span<const std::byte>> inputs;
  std::span<std::byte> output;
  // Of states_of() the operator, which it changes. They are among the inputs as well.
  std::vector<std::span<std::byte>> states = {};

  const OpDetails& details() const { return graph.details_of(op); }
  const Shape& input_shape(int index = 0) const { return graph.input_of(op, index).shape; }
  const Shape& output_shape() const { return graph.output_of(op).shape; }
  DataType input_type() const { return graph.input_of(op).type; }
  DataType output_type() const { return graph.output_of(op).type; }
  const Quantization& input_quantization(int index = 0) const {
    return graph.info_of(graph.inputs_of(op)[index]).quantization;
  }
  const Quantization& output_quantization() const { return graph.info_of(op.output).quantization; }

  // Of its own clamp.
  ValueRange output_range() const {
    return activation_range(op.activation, output_quantization(), output_type());
  }

  std::span<const std::int8_t> input(int index = 0) const {
    return {reinterpret_cast<const std::int8_t*>(inputs[index].data()), inputs[index].size()};
  }
  std::span<std::int8_t> int8_output() const {
    return {reinterpret_cast<std::int8_t*>(output.data()), output.size()};
  }
};

// The index of an element of a tensor in NHWC order.
inline std::size_t offset(const Shape& shape, std::int32_t y, std::int32_t x, std::int32_t c) {
  return (static_cast<std::size_t>(y) * shape.width + x) * shape.channels + c;
}

// One function per operator, in files by family.
#define OPERATOR(kind, stem, ...) void run_##stem(const KernelCall& call);
#include "mcunet/engine/graph/operators.inc"

}  // namespace mcunet::engine
