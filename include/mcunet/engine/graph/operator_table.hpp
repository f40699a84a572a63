#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "mcunet/engine/graph/graph.hpp"

// What each operator is: the traits in the rows of operators.inc, by kind. What a room computes with an
// operator is a function of that room, named after the row:
//
//   reference/   run_<name>     the plainest loop
//   tflite/      read_<name>, write_<name>
//   planning/    kernels_of_<name>   which kernels its code calls
//   codegen/     write_<name>   the C of a step
//
// The rooms declare these functions from the table, so that one that is missing does not link.
namespace mcunet::engine {

class CheckedOp;      // graph/operator_checks.hpp
struct WeightLayout;  // weights.hpp

// A member without a default: a row that leaves it out does not compile.
template <typename T>
class Required {
 public:
  constexpr Required(T value) : value_(value) {}   // NOLINT(google-explicit-constructor)
  constexpr operator T() const { return value_; }  // NOLINT(google-explicit-constructor)

 private:
  T value_;
};

// Activations that an operator takes.
enum class OperandCount : std::uint8_t {
  kOne,
  kTwo,           // of which one may be constant
  kMany,          // at least one
  kOneAndStates,  // and what it keeps itself (states_of())
};

enum class TypeRule : std::uint8_t {
  kInt8,       // arithmetic: int8 in, int8 out; what it keeps has its own types
  kNarrow,     // arithmetic: each activation int8 or int4 (activations.hpp)
  kAllNarrow,  // arithmetic: all activations int8, or all int4
  kSame,       // values are moved only: the output's type is the input's
  kToInt8,     // from float32, int8 or uint8 to int8 or uint8
  kToFloat,    // from int8 or uint8 to float32
};

// What an operator does to quantization: its output has a scale of its own, or that of its inputs, or
// one that TFLite prescribes.
struct QuantizationRule {
  bool keeps = false;
  std::optional<Quantization> prescribed;
};
inline constexpr QuantizationRule kOwnQuantization;
inline constexpr QuantizationRule kSameQuantization{.keeps = true};
inline constexpr QuantizationRule kProbabilities{.prescribed = Quantization{1.0F / 256, -128}};
inline constexpr QuantizationRule kLogarithms{.prescribed = Quantization{1.0F / 16, 127}};
inline constexpr QuantizationRule kSignedUnit{.prescribed = Quantization{1.0F / 128, 0}};

// What an operator uses of its Window.
enum class WindowUse : std::uint8_t {
  kNone,
  kKernel,      // slides over the input
  kTransposed,  // slides over the output, and leads to the input
  kPadding,
};

// The order of weights, from the outermost dimension.
enum class WeightOrder : std::uint8_t {
  kNone,
  kOutputFirst,  // {out, kernel height, kernel width, in}
  kOutputLast,   // {1, kernel height, kernel width, out}
  kMatrix,       // {out, features}
  kPerGate,      // of an LSTM: constants of their own, GateConstants
};

// Whether the output may take over the memory of an input.
enum class Overwriting : std::uint8_t {
  kNever,
  kElementwise,  // an element is written after the last read of it
  kChannelwise,  // a channel is, by kernels that work in place (has_in_place_kernel)
};

// Whether a band of output rows can be computed from a band of input rows (planning/row_bands.hpp).
enum class RowFlow : std::uint8_t {
  kNone,
  kWindow,       // from those that the window slides over
  kElementwise,  // from the same rows of each input
  kReduction,    // all of it from sums over all rows
};

// Memory beside the tensors that a kernel works in.
enum class ScratchKind : std::uint8_t {
  kNone,
  kColumns,  // values under the window, gathered for a few pixels
  kTransposedColumns,
  kRows,           // rows of one channel, with their borders
  kFeatures,       // the input, widened
  kMatrixColumns,  // two columns of the second operand, widened
  kSteps,          // what one step of a sequence reads, widened
};

// Operators whose time follows from the same amounts of work (timing/latency_model.hpp).
enum class LatencyFamily : std::uint8_t {
  kConvolution,
  kTransposedConvolution,
  kDepthwise,
  kFullyConnected,
  kRecurrent,  // fully connected at every step
  kAverage,    // of a window, or of everything
  kMaximum,
  kElementwise,
};

// How the channels of an operator's inputs and its output belong together.
enum class ChannelFlow : std::uint8_t {
  kMix,          // every output channel from every input channel, by weights
  kMultiply,     // output channel c from input channel c / multiplier, by weights
  kPass,         // channel by channel, what is constant staying so
  kPad,          // channel by channel, with zeros at the borders
  kStack,        // channel by channel, the inputs side by side along another axis
  kConcatenate,  // channel by channel, the inputs one after the other
  kOpaque,       // any from any: all are needed
};

struct OperatorTraits {
  std::string_view name;
  Required<OperandCount> operands;
  Required<TypeRule> types;
  Required<QuantizationRule> quantization;
  Required<WindowUse> window;
  Required<WeightOrder> weights;
  Required<Overwriting> overwriting;
  Required<ScratchKind> scratch;
  Required<RowFlow> rows;
  Required<LatencyFamily> latency;
  // The output's shape. `output_channels` matters to operators with weights. Throws Error if the inputs
  // do not fit each other or do not determine it.
  Required<Shape (*)(const Graph&, const Op&, std::int32_t output_channels)> shape;
  // Whether the output has a shape that follows from the inputs. Throws Error as `shape` does.
  Required<bool (*)(const Graph&, const Op&)> accepts;
  // Throws Error for what the rules of all operators leave open.
  Required<void (*)(const CheckedOp&)> check;
  // The largest factor by which quantized values are rescaled.
  Required<double (*)(const Graph&, const Op&)> factor;
  // Multiply-accumulates. The layout is that of weights, where there are any.
  Required<std::int64_t (*)(const Graph&, const Op&, const WeightLayout&)> macs;
  Required<ChannelFlow (*)(const Graph&, const Op&)> channels;
};

extern const std::array<OperatorTraits, kOpKinds> kOperators;

inline const OperatorTraits& traits_of(OpKind kind) {
  return kOperators[static_cast<std::size_t>(kind)];
}

// Whether its weights are one constant, OpDetails::weights.
inline bool has_weights(const Op& op) {
  const WeightOrder order = traits_of(op.kind).weights;
  return order != WeightOrder::kNone && order != WeightOrder::kPerGate;
}

// States of the graph that the operator reads and then changes itself, where they are kept: its inputs after the
// first.
inline std::span<const TensorId> states_of(const Graph& graph, const Op& op) {
  const bool has_states = traits_of(op.kind).operands == OperandCount::kOneAndStates;
  return graph.inputs_of(op).subspan(has_states ? 1 : graph.inputs_of(op).size());
}

// Whether an operator of two operands gives the same with the two exchanged.
inline bool commutes(OpKind kind) {
  return kind != OpKind::kSub && kind != OpKind::kPrelu && kind != OpKind::kBatchMatmul;
}

// The operator with this name, or nothing.
std::optional<OpKind> kind_named(std::string_view name);

// Whether the depthwise convolution has a kernel that works in place: a dense square window of 3, 5
// or 7 or a single row of as many, stride 1 or 2, one output channel per input channel.
bool has_in_place_kernel(const Op& depthwise);

}  // namespace mcunet::engine
