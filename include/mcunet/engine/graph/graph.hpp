#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// The one thing that the engine knows: operators over tensors, in an order in which they can run.
// The vocabulary follows TFLite's builtin operators. A graph lowered from a sub-network carries
// shapes only; that is enough to schedule, plan and count it. Names, quantization and constants
// stand in side tables, which such a graph leaves empty.
namespace mcunet::engine {

using TensorId = std::int32_t;
using OpId = std::int32_t;
using ConstantId = std::int32_t;
inline constexpr std::int32_t kNoId = -1;

// Activations are NHWC with a batch of 1; a vector of n features is {1, 1, n}.
struct Shape {
  std::int32_t height = 1;
  std::int32_t width = 1;
  std::int32_t channels = 1;

  std::int64_t elements() const { return std::int64_t{height} * width * channels; }
  bool operator==(const Shape&) const = default;
};

enum class DataType : std::uint8_t { kInt8, kUint8, kInt16, kInt32, kFloat32, kInt4 };

constexpr int bits_per_element(DataType type) {
  switch (type) {
    case DataType::kInt4:
      return 4;
    case DataType::kInt8:
    case DataType::kUint8:
      return 8;
    case DataType::kInt16:
      return 16;
    case DataType::kInt32:
    case DataType::kFloat32:
      return 32;
  }
  return 0;
}

// Elements narrower than a byte share it; the last byte may have room left.
constexpr std::int64_t bytes_of_elements(std::int64_t elements, int bits) {
  return (elements * bits + 7) / 8;
}
constexpr std::int64_t bytes_of_elements(std::int64_t elements, DataType type) {
  return bytes_of_elements(elements, bits_per_element(type));
}

// Every pixel of an activation of int4 begins a word, which holds eight channels.
constexpr std::int64_t int4_pixel_bytes(std::int32_t channels) {
  return (std::int64_t{channels} + 7) / 8 * 4;
}

// "int8", "float32": as files and reports name it.
std::string_view name_of(DataType type);

// A tensor's elements in NHWC order, in the machine's byte order; of int4 as activations.hpp has it.
using TensorBytes = std::vector<std::byte>;

struct Tensor {
  Shape shape;
  DataType type = DataType::kInt8;

  std::int64_t bytes() const {
    if (type == DataType::kInt4) {
      return std::int64_t{shape.height} * shape.width * int4_pixel_bytes(shape.channels);
    }
    return bytes_of_elements(shape.elements(), type);
  }
  bool operator==(const Tensor&) const = default;
};

// Whether all bytes are the same.
bool is_uniform(const TensorBytes& bytes);

// real value = scale * (quantized value - zero_point). A scale of 0: not quantized.
struct Quantization {
  float scale = 0;
  std::int32_t zero_point = 0;

  bool operator==(const Quantization&) const = default;
};

// What is known of a tensor beyond its shape.
struct TensorInfo {
  std::string name;
  Quantization quantization;
  // The number of dimensions in a `.tflite` file, where the last ones are the shape's: 2 stands for
  // {width, channels}. kNoId: 4 for an input, 2 after a fully connected layer, else as before.
  std::int32_t rank = kNoId;

  bool operator==(const TensorInfo&) const = default;
};

// Weights, biases, constant operands: row-major, little-endian. Of int4, two elements share a byte, the first
// one in its low nibble.
struct Constant {
  std::string name;
  DataType type = DataType::kInt8;
  std::vector<std::int32_t> dims;
  std::vector<float> scales;  // one, or one per index of dims[channel_axis]; empty: not quantized
  std::int32_t zero_point = 0;
  std::int32_t channel_axis = 0;
  std::vector<std::byte> data;

  std::int64_t elements() const;
  bool operator==(const Constant&) const = default;
};

// The operators: the rows of operators.inc, where each one's traits stand.
enum class OpKind : std::uint8_t {
#define OPERATOR(kind, ...) k##kind,
#include "mcunet/engine/graph/operators.inc"
};

// How many there are.
inline constexpr std::size_t kOpKinds = 0
#define OPERATOR(...) +1
#include "mcunet/engine/graph/operators.inc"
    ;

std::string_view name_of(OpKind kind);

// A clamp fused into the operator before it.
enum class Activation : std::uint8_t { kNone, kRelu, kRelu6, kReluN1To1 };

// Elements of border added around the input, each side on its own: TFLite's SAME at stride 2 pads
// 0 before and 1 after.
struct Padding {
  std::int16_t top = 0;
  std::int16_t bottom = 0;
  std::int16_t left = 0;
  std::int16_t right = 0;

  bool operator==(const Padding&) const = default;
};

// The sliding window of a convolution or a pooling; a pad operator uses its padding only.
struct Window {
  std::int16_t kernel_height = 1;
  std::int16_t kernel_width = 1;
  std::int16_t stride_height = 1;
  std::int16_t stride_width = 1;
  Padding padding;
  std::int16_t dilation_height = 1;  // distance between the taps of a convolution
  std::int16_t dilation_width = 1;

  // Rows and columns of the input from the first tap to the last.
  std::int32_t extent_height() const { return (kernel_height - 1) * dilation_height + 1; }
  std::int32_t extent_width() const { return (kernel_width - 1) * dilation_width + 1; }
  bool operator==(const Window&) const = default;
};

// A square window padded by kernel / 2 on every side, as the mobile networks use it.
Window centred_window(int kernel, int stride);

enum class Axis : std::uint8_t { kHeight, kWidth, kChannels };

// Of an LSTM, what each gate has, in TFLite's order: input, forget, cell, output. Weights are int8 with one scale
// and a zero point of 0.
inline constexpr std::size_t kGates = 4;
struct GateConstants {
  std::array<ConstantId, kGates> input = {kNoId, kNoId, kNoId, kNoId};      // {cells, features}
  std::array<ConstantId, kGates> recurrent = {kNoId, kNoId, kNoId, kNoId};  // {cells, cells}
  std::array<ConstantId, kGates> bias = {kNoId, kNoId, kNoId, kNoId};       // int32 {cells}

  bool operator==(const GateConstants&) const = default;
};
// The scale of its cells is two to the power of this: with less, products of gates would be shifted to the left; with
// more, cells leave 32 bits on their way into the table of tanh.
inline constexpr int kLeastCellExponent = -30;
inline constexpr int kMostCellExponent = 2;

// What only some graphs or some operators have. Each field says whose it is.
struct OpDetails {
  // Convolution {out, kernel height, kernel width, in}; depthwise convolution {1, kernel height,
  // kernel width, out}; fully connected {out, in}. int8 or int4 with a zero point of 0.
  ConstantId weights = kNoId;
  ConstantId bias = kNoId;  // of those three: int32 {out}
  // Of two operands, of which prelu's second one is its slopes: the other one where it is constant, int8 of
  // up to four dimensions.
  ConstantId operand = kNoId;
  bool operand_is_first = false;
  Axis axis = Axis::kChannels;                         // concatenation
  std::array<bool, 3> reduced = {};                    // mean, sum, reduce_max, reduce_min
  std::array<std::int8_t, 3> permutation = {0, 1, 2};  // transpose: output axis i is input axis [i]
  // Strided_slice: where the part of the input begins that it takes, steps along each axis, which may
  // be negative, and the part's size.
  std::array<std::int32_t, 3> begin = {};
  std::array<std::int32_t, 3> stride = {1, 1, 1};
  Shape part;
  std::int32_t channels_before = 0;  // pad
  std::int32_t channels_after = 0;
  std::optional<std::int8_t> border;  // pad: what the border is made of; else the zero point
  bool repeats_edges = false;         // mirror_pad: outermost rows and columns occur twice
  float beta = 1;                     // softmax
  float alpha = 0;                    // leaky_relu: the factor of negative values
  bool is_approximate = false;        // gelu: by tanh
  // Batch_matmul: its second operand has a row for each column of the output.
  bool is_transposed = false;
  bool align_corners = false;  // resize_nearest_neighbor, resize_bilinear
  bool half_pixel_centers = false;
  GateConstants gates;  // unidirectional_sequence_lstm
  float cell_clip = 0;  // of it: the magnitude that cells keep to, as a real number; 0: any

  bool operator==(const OpDetails&) const = default;
};

struct Op {
  OpKind kind = OpKind::kConv2d;
  Activation activation = Activation::kNone;
  bool has_bias = true;
  // Of its weights, whether they are there yet or not: 8, or 4 where operators take that (weights.hpp).
  std::int8_t weight_bits = 8;
  // The bias stands for a folded batch normalization, which trains two parameters per channel.
  bool folds_batch_norm = false;
  Window window;
  TensorId output = kNoId;
  std::int32_t first_input = 0;  // into Graph::op_inputs
  std::int32_t input_count = 0;
  std::int32_t block = kNoId;    // the block of the network that the operator belongs to
  std::int32_t details = kNoId;  // into Graph::details

  bool operator==(const Op&) const = default;
};

// Operators refer to tensors by index; `ops` is topologically sorted.
struct Graph {
  std::vector<Tensor> tensors;
  std::vector<Op> ops;
  std::vector<TensorId> op_inputs;
  std::vector<TensorId> inputs;
  std::vector<TensorId> outputs;
  // State between inferences: the last inputs hold this at first, and then what the last outputs, as many and in the
  // same order, gave at the inference before. The caller of a network sees neither. A state that is one tensor, input
  // and output, is changed by the operator that takes it, the only one, where it is kept.
  std::vector<TensorBytes> states;

  std::vector<TensorInfo> tensor_info;  // of every tensor, or empty
  std::vector<OpDetails> details;
  std::vector<Constant> constants;

  std::span<const TensorId> inputs_of(const Op& op) const {
    return {op_inputs.data() + op.first_input, static_cast<std::size_t>(op.input_count)};
  }
  const Tensor& input_of(const Op& op, int index = 0) const {
    return tensors[op_inputs[op.first_input + index]];
  }
  const Tensor& output_of(const Op& op) const { return tensors[op.output]; }
  // Without those of states.
  std::span<const TensorId> given_inputs() const {
    return std::span(inputs).first(inputs.size() - states.size());
  }
  std::span<const TensorId> told_outputs() const {
    return std::span(outputs).first(outputs.size() - states.size());
  }
  std::span<const TensorId> state_inputs() const { return std::span(inputs).last(states.size()); }
  std::span<const TensorId> state_outputs() const { return std::span(outputs).last(states.size()); }
  std::int64_t state_bytes() const;
  // Of a tensor that is both input and output of a state: which one; else kNoId.
  std::int32_t state_in_place(TensorId tensor) const;
  std::int64_t uneven_state_bytes() const;  // of those that do not begin with one byte all over
  // All defaults where there is none.
  const TensorInfo& info_of(TensorId tensor) const;
  const OpDetails& details_of(const Op& op) const;

  // Empties the graph and keeps its memory, so that one graph can serve many networks in turn.
  void clear();
  bool operator==(const Graph&) const = default;
};

TensorId add_input(Graph& graph, const Shape& shape, DataType type = DataType::kInt8);

// Appends an operator, infers its output's shape and returns the output. `output_channels` matters to
// operators with weights only. Throws Error if the inputs do not fit the operator, or if they do not
// determine its output, as those of a reshape.
TensorId append_op(Graph& graph, Op op, std::initializer_list<TensorId> inputs,
                   std::int32_t output_channels = 0);

// The same for an output that is already known; nothing is checked (graph_validator.hpp does).
TensorId append_op(Graph& graph, Op op, std::span<const TensorId> inputs, const Tensor& output);

// The tensor's entry in a side table that is made on demand.
TensorInfo& edit_info(Graph& graph, TensorId tensor);
// The operator's own details, made on demand.
OpDetails& edit_details(Graph& graph, Op& op);

// "conv_2d 3x3 /2": an operator as people name it.
std::string describe(const Op& op);

// How many vectors a fully connected layer is applied to: all of its input is one, or each of its
// input's {channels}, of which the output has as many.
std::int64_t rows_of(const Graph& graph, const Op& fully_connected);

// The value that a pad operator surrounds its input with.
std::int32_t border_of(const Graph& graph, const Op& pad);

struct OpCost {
  // Multiply-accumulates; what the papers on mobile networks call FLOPs.
  std::int64_t macs = 0;
  std::int64_t weights = 0;  // without bias
  // As training frameworks count them: weights, biases, two per batch-normalized channel.
  std::int64_t params = 0;
};

OpCost cost_of(const Graph& graph, const Op& op);

// Of all operators together.
OpCost cost_of(const Graph& graph);

}  // namespace mcunet::engine
