#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// The one thing that the engine knows: operators over tensors, in an order in which they can run.
// The vocabulary follows TFLite's builtin operators. A graph lowered from a sub-network carries
// shapes only; that is enough to schedule, plan and count it.
namespace mcunet::engine {

using TensorId = std::int32_t;
using OpId = std::int32_t;
inline constexpr std::int32_t kNoId = -1;

// Activations are NHWC with a batch of 1; a vector of n features is {1, 1, n}.
struct Shape {
  std::int32_t height = 1;
  std::int32_t width = 1;
  std::int32_t channels = 1;

  std::int64_t elements() const { return std::int64_t{height} * width * channels; }
  bool operator==(const Shape&) const = default;
};

enum class DataType : std::uint8_t { kInt8, kUint8, kInt16, kInt32, kFloat32 };

constexpr std::int64_t bytes_per_element(DataType type) {
  switch (type) {
    case DataType::kInt8:
    case DataType::kUint8:
      return 1;
    case DataType::kInt16:
      return 2;
    case DataType::kInt32:
    case DataType::kFloat32:
      return 4;
  }
  return 0;
}

struct Tensor {
  Shape shape;
  DataType type = DataType::kInt8;

  std::int64_t bytes() const { return shape.elements() * bytes_per_element(type); }
};

enum class OpKind : std::uint8_t {
  kConv2d,
  kDepthwiseConv2d,
  kFullyConnected,
  kAveragePool2d,
  kMaxPool2d,
  kAdd,
};

std::string_view name_of(OpKind kind);

// A clamp fused into the operator before it.
enum class Activation : std::uint8_t { kNone, kRelu, kRelu6 };

// Elements of border added around the input, each side on its own: TFLite's SAME at stride 2 pads
// 0 before and 1 after.
struct Padding {
  std::int16_t top = 0;
  std::int16_t bottom = 0;
  std::int16_t left = 0;
  std::int16_t right = 0;

  bool operator==(const Padding&) const = default;
};

// The sliding window of a convolution or a pooling.
struct Window {
  std::int16_t kernel_height = 1;
  std::int16_t kernel_width = 1;
  std::int16_t stride_height = 1;
  std::int16_t stride_width = 1;
  Padding padding;
};

// A square window padded by kernel / 2 on every side, as the mobile networks use it.
Window centred_window(int kernel, int stride);

struct Op {
  OpKind kind = OpKind::kConv2d;
  Activation activation = Activation::kNone;
  bool has_bias = true;
  // The bias stands for a folded batch normalization, which trains two parameters per channel.
  bool folds_batch_norm = false;
  Window window;
  TensorId output = kNoId;
  std::int32_t first_input = 0;  // into Graph::op_inputs
  std::int32_t input_count = 0;
  std::int32_t block = kNoId;  // the block of the network that the operator belongs to
};

// Operators refer to tensors by index; `ops` is topologically sorted.
struct Graph {
  std::vector<Tensor> tensors;
  std::vector<Op> ops;
  std::vector<TensorId> op_inputs;
  std::vector<TensorId> inputs;
  std::vector<TensorId> outputs;

  std::span<const TensorId> inputs_of(const Op& op) const {
    return {op_inputs.data() + op.first_input, static_cast<std::size_t>(op.input_count)};
  }
  const Tensor& input_of(const Op& op, int index = 0) const {
    return tensors[op_inputs[op.first_input + index]];
  }
  const Tensor& output_of(const Op& op) const { return tensors[op.output]; }

  // Empties the graph and keeps its memory, so that one graph can serve many networks in turn.
  void clear();
};

TensorId add_input(Graph& graph, const Shape& shape, DataType type = DataType::kInt8);

// Appends an operator, infers its output's shape and returns the output. `output_channels` matters
// to convolutions and fully connected layers only. Throws Error if the inputs do not fit the
// operator.
TensorId append_op(Graph& graph, Op op, std::initializer_list<TensorId> inputs,
                   std::int32_t output_channels = 0);

// The rules of TFLite: floor((in + padding - kernel) / stride) + 1 along each axis.
Shape infer_output_shape(const Op& op, const Shape& input, std::int32_t output_channels);

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
