#pragma once

#include <cstdint>

#include "mcunet/engine/graph/graph.hpp"

// The rules that a quantized graph obeys: what reads, runs, writes or compiles one may rely on
// them.
namespace mcunet::engine {

// Of one tensor, in bytes.
inline constexpr std::int64_t kMaxTensorBytes = std::int64_t{1} << 28;

// Throws Error, naming the operator and the tensor, unless
// * all ids are in range, every tensor is produced before it is used, and once;
// * shapes, types and constants fit the operators, and no tensor exceeds kMaxTensorBytes;
// * int8 and uint8 tensors are quantized with a finite positive scale and a zero point of their
//   type, where TFLite asks for particular values with those, and all multipliers can be
//   represented; operators that keep the quantization take tensors without any. Arithmetic is on
//   int8; float and uint8 tensors are converted and laid out only.
void validate_graph(const Graph& graph);

// The same for one operator whose inputs are known to be valid; the message does not name it.
void validate_op(const Graph& graph, OpId op);

}  // namespace mcunet::engine
