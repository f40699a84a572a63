#include "mcunet/engine/tflite/writer.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/engine/graph/graph_validator.hpp"
#include "mcunet/engine/graph/operator_table.hpp"
#include "mcunet/engine/graph/shape_inference.hpp"
#include "tflite/model_builder.hpp"

namespace mcunet::engine {
namespace {

using Options = flatbuffers::Offset<void>;

tflite::ActivationFunction function_of(Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return tflite::ActivationFunction_NONE;
    case Activation::kRelu:
      return tflite::ActivationFunction_RELU;
    case Activation::kRelu6:
      return tflite::ActivationFunction_RELU6;
    case Activation::kReluN1To1:
      break;
  }
  return tflite::ActivationFunction_RELU_N1_TO_1;
}

tflite::BuiltinOperator code_of(OpKind kind) {
  static constexpr std::array<tflite::BuiltinOperator, kOpKinds> kCodes = {
#define OPERATOR(kind, stem, code, ...) tflite::BuiltinOperator_##code,
#include "mcunet/engine/graph/operators.inc"
  };
  return kCodes[static_cast<std::size_t>(kind)];
}

class GraphWriter {
 public:
  explicit GraphWriter(const Graph& graph)
      : graph_(graph),
        ranks_(graph.tensors.size()),
        activations_(graph.tensors.size(), kNoId),
        constants_(graph.constants.size(), kNoId) {}

  std::vector<std::byte> write() {
    for (TensorId input : graph_.given_inputs()) add_activation(input, 4);
    const std::vector<std::int32_t> variables = read_states();
    for (const Op& op : graph_.ops) add_op(op);
    for (std::size_t i = 0; i < variables.size(); ++i) {
      if (variables[i] != kNoId) assign(variables[i], activations_[graph_.state_outputs()[i]]);
    }
    const auto inputs = indices_of(graph_.given_inputs());
    const auto outputs = indices_of(graph_.told_outputs());
    if (resources_ == 0) return builder_.finish(inputs, outputs);
    builder_.end_graph(inputs, outputs);
    assign_first_states();
    return builder_.finish({}, {});
  }

 private:
  struct Entry {
    int version = 1;
    tflite::BuiltinOptions options_type = tflite::BuiltinOptions_NONE;
    Options options;
    std::vector<std::int32_t> operands;          // after the tensors: weights, axes, shapes
    std::vector<std::int32_t> leading = {};      // before them
    std::vector<std::int32_t> after_first = {};  // between the first tensor and the others
    std::vector<std::int32_t> intermediates = {};
    std::optional<tflite::BuiltinOperator> code = {};  // where it is not the row's
  };

  flatbuffers::FlatBufferBuilder& fbb() { return builder_.fbb(); }

  std::vector<std::int32_t> indices_of(std::span<const TensorId> tensors) const {
    std::vector<std::int32_t> indices;
    for (TensorId tensor : tensors) indices.push_back(activations_[tensor]);
    return indices;
  }

  // State is kept in resource variables, which a graph that runs once fills, or by an operator itself. The handles of
  // resources.
  std::vector<std::int32_t> read_states() {
    std::vector<std::int32_t> handles;
    for (std::size_t i = 0; i < graph_.states.size(); ++i) {
      if (is_resource(i)) {
        ++resources_;
      } else {
        add_kept(i);
      }
    }
    if (resources_ == 0) return handles;
    builder_.add_operator(tflite::BuiltinOperator_CALL_ONCE, 1, {}, std::vector<std::int32_t>(),
                          tflite::BuiltinOptions_CallOnceOptions,
                          tflite::CreateCallOnceOptions(fbb(), 1).Union());
    for (std::size_t i = 0; i < graph_.states.size(); ++i) {
      if (!is_resource(i)) {
        handles.push_back(kNoId);
        continue;
      }
      handles.push_back(add_handle(i));
      add_activation(graph_.state_inputs()[i], 4);
      builder_.add_operator(tflite::BuiltinOperator_READ_VARIABLE, 1, {handles.back()},
                            activations_[graph_.state_inputs()[i]], tflite::BuiltinOptions_NONE,
                            {});
    }
    return handles;
  }

  bool is_resource(std::size_t state) const {
    return graph_.state_in_place(graph_.state_inputs()[state]) == kNoId;
  }

  // Throws Error unless it begins with zeros, as all such variables do.
  void add_kept(std::size_t state) {
    const TensorId id = graph_.state_inputs()[state];
    const TensorInfo& info = graph_.info_of(id);
    const auto zero = static_cast<std::byte>(info.quantization.zero_point);
    const TensorBytes& first = graph_.states[state];
    if (!std::all_of(first.begin(), first.end(), [&](std::byte byte) { return byte == zero; })) {
      throw Error("tensor {} '{}': a file has no way to say that it does not begin with zeros", id,
                  info.name);
    }
    ranks_[id] = info.rank == kNoId ? 2 : info.rank;
    activations_[id] =
        builder_.add_variable(info.name, graph_.tensors[id].type, dims_of(id), info.quantization);
  }

  std::int32_t add_handle(std::size_t state) {
    const std::string name = fmt::format("state_{}", state);
    const std::int32_t handle = builder_.add_handle(name);
    builder_.add_operator(tflite::BuiltinOperator_VAR_HANDLE, 1, {}, handle,
                          tflite::BuiltinOptions_VarHandleOptions,
                          tflite::CreateVarHandleOptionsDirect(fbb(), "", name.c_str()).Union());
    return handle;
  }

  void assign(std::int32_t handle, std::int32_t value) {
    builder_.add_operator(tflite::BuiltinOperator_ASSIGN_VARIABLE, 1, {handle, value},
                          std::vector<std::int32_t>(), tflite::BuiltinOptions_NONE, {});
  }

  void assign_first_states() {
    for (std::size_t i = 0; i < graph_.states.size(); ++i) {
      if (!is_resource(i)) continue;
      const TensorId input = graph_.state_inputs()[i];
      const Quantization& quantization = graph_.info_of(input).quantization;
      Constant value{.name = fmt::format("first_{}", i),
                     .dims = dims_of(input),
                     .zero_point = quantization.zero_point,
                     .data = graph_.states[i]};
      if (quantization.scale != 0) value.scales = {quantization.scale};
      const std::int32_t handle = add_handle(i);
      assign(handle, builder_.add_constant(value));
    }
  }

  // `rank` is that of a tensor which does not say.
  void add_activation(TensorId id, std::int32_t rank) {
    const TensorInfo& info = graph_.info_of(id);
    ranks_[id] = info.rank == kNoId ? rank : info.rank;
    const Tensor& tensor = graph_.tensors[id];
    activations_[id] =
        builder_.add_activation(info.name, tensor.type, dims_of(id), info.quantization);
  }

  // Throws Error if dimensions other than 1 would get lost.
  std::vector<std::int32_t> dims_of(TensorId id) const {
    const Shape& s = graph_.tensors[id].shape;
    const std::array<std::int32_t, 4> all = {1, s.height, s.width, s.channels};
    const std::int32_t rank = ranks_[id];
    if (rank < 0 || rank > 4 ||
        std::any_of(all.begin(), all.end() - rank, [](auto dim) { return dim != 1; })) {
      throw Error("tensor {} '{}': {}x{}x{} does not have {} dimensions", id,
                  graph_.info_of(id).name, s.height, s.width, s.channels, rank);
    }
    return {all.end() - rank, all.end()};
  }

  std::int32_t constant(ConstantId id) {
    if (constants_[id] == kNoId) constants_[id] = builder_.add_constant(graph_.constants[id]);
    return constants_[id];
  }

  std::int32_t integers(const Op& op, std::string_view role,
                        const std::vector<std::int32_t>& values) {
    return integers(op, role, values, {static_cast<std::int32_t>(values.size())});
  }

  std::int32_t integers(const Op& op, std::string_view role,
                        const std::vector<std::int32_t>& values,
                        const std::vector<std::int32_t>& dims) {
    const std::string name = fmt::format("{}/{}", graph_.info_of(op.output).name, role);
    return builder_.add_integers(name, values, dims);
  }

  void add_op(const Op& op) {
    const TensorId first = graph_.inputs_of(op)[0];
    std::vector<std::int32_t> inputs = indices_of(graph_.inputs_of(op));
    tflite::Padding padding = tflite::Padding_VALID;
    const WindowUse use = traits_of(op.kind).window;
    const bool is_transposed = use == WindowUse::kTransposed;
    if ((use == WindowUse::kKernel || is_transposed) && op.window.padding != Padding{}) {
      const Tensor& under = is_transposed ? graph_.output_of(op) : graph_.input_of(op);
      if (op.window.padding == same_padding(op.window, under.shape)) {
        padding = tflite::Padding_SAME;
      } else {
        inputs[0] = add_explicit_padding(op);
      }
    }
    add_activation(op.output,
                   traits_of(op.kind).weights == WeightOrder::kMatrix ? 2 : ranks_[first]);
    const Entry entry = entry_of(op, padding);
    inputs.insert(graph_.details_of(op).operand_is_first ? inputs.begin() : inputs.end(),
                  entry.operands.begin(), entry.operands.end());
    inputs.insert(inputs.begin() + 1, entry.after_first.begin(), entry.after_first.end());
    inputs.insert(inputs.begin(), entry.leading.begin(), entry.leading.end());
    builder_.add_operator(entry.code.value_or(code_of(op.kind)), entry.version, inputs,
                          std::vector{activations_[op.output]}, entry.options_type, entry.options,
                          entry.intermediates);
  }

  // A PAD before an operator; returns its output.
  std::int32_t add_explicit_padding(const Op& op) {
    const TensorId source = graph_.inputs_of(op)[0];
    const TensorInfo& info = graph_.info_of(source);
    const Padding& p = op.window.padding;
    const bool is_lowest = op.kind == OpKind::kMaxPool2d && info.quantization.zero_point == -128;
    if (ranks_[source] != 4 || op.kind == OpKind::kAveragePool2d ||
        op.kind == OpKind::kTransposeConv || (op.kind == OpKind::kMaxPool2d && !is_lowest)) {
      throw Error("{} '{}': its padding is neither SAME nor VALID", name_of(op.kind),
                  graph_.info_of(op.output).name);
    }
    const std::int32_t amounts =
        integers(op, "paddings", {0, 0, p.top, p.bottom, p.left, p.right, 0, 0}, {4, 2});
    std::vector<std::int32_t> dims = dims_of(source);
    dims[1] += p.top + p.bottom;
    dims[2] += p.left + p.right;
    const std::int32_t padded =
        builder_.add_activation(graph_.info_of(op.output).name + "/padded",
                                graph_.tensors[source].type, dims, info.quantization);
    builder_.add_operator(tflite::BuiltinOperator_PAD, 2, {activations_[source], amounts}, padded,
                          tflite::BuiltinOptions_PadOptions,
                          tflite::CreatePadOptions(fbb()).Union());
    return padded;
  }

  Entry entry_of(const Op& op, tflite::Padding padding) {
    using Write = Entry (GraphWriter::*)(const Op&, tflite::Padding);
    static constexpr std::array<Write, kOpKinds> kWriters = {
#define OPERATOR(kind, stem, ...) &GraphWriter::write_##stem,
#include "mcunet/engine/graph/operators.inc"
    };
    return (this->*kWriters[static_cast<std::size_t>(op.kind)])(op, padding);
  }

  // A version, options and operands per operator.
#define OPERATOR(kind, stem, ...) Entry write_##stem(const Op& op, tflite::Padding padding);
#include "mcunet/engine/graph/operators.inc"

  // TensorFlow Lite takes no CONV_2D without bias.
  std::vector<std::int32_t> weights(const Op& op) {
    const OpDetails& details = graph_.details_of(op);
    std::vector<std::int32_t> operands = {constant(details.weights)};
    if (op.has_bias) {
      operands.push_back(constant(details.bias));
    } else if (traits_of(op.kind).weights == WeightOrder::kOutputFirst) {
      const std::int32_t channels = graph_.output_of(op).shape.channels;
      operands.push_back(integers(op, "bias", std::vector<std::int32_t>(channels), {channels}));
    }
    return operands;
  }

  std::vector<std::int32_t> operand(const Op& op) {
    const ConstantId id = graph_.details_of(op).operand;
    return id == kNoId ? std::vector<std::int32_t>{} : std::vector{constant(id)};
  }

  // The options of operators that differ in their functions only.
  Entry pool(const Op& op, tflite::Padding padding);
  Entry reduction(const Op& op);
  std::int32_t paddings(const Op& op);
  Entry extremum(const Op& op);

  const Graph& graph_;
  TfliteModelBuilder builder_;
  std::vector<std::int32_t> ranks_;        // in the file, by tensor
  std::vector<std::int32_t> activations_;  // the file's indices
  std::vector<std::int32_t> constants_;
  std::size_t resources_ = 0;  // states that resource variables keep
};

// Of a convolution, depthwise or not.
int convolution_version(const Op& op) { return op.weight_bits == 4 ? 7 : 3; }

GraphWriter::Entry GraphWriter::write_conv_2d(const Op& op, tflite::Padding padding) {
  const Window& w = op.window;
  const auto options =
      tflite::CreateConv2DOptions(fbb(), padding, w.stride_width, w.stride_height,
                                  function_of(op.activation), w.dilation_width, w.dilation_height);
  return {convolution_version(op), tflite::BuiltinOptions_Conv2DOptions, options.Union(),
          weights(op)};
}

GraphWriter::Entry GraphWriter::write_transpose_conv(const Op& op, tflite::Padding padding) {
  const OpDetails& details = graph_.details_of(op);
  const auto options = tflite::CreateTransposeConvOptions(
      fbb(), padding, op.window.stride_width, op.window.stride_height, function_of(op.activation));
  const int version = op.activation != Activation::kNone ? 4 : op.has_bias ? 3 : 2;
  std::vector<std::int32_t> bias;
  if (op.has_bias) bias.push_back(constant(details.bias));
  return {version,
          tflite::BuiltinOptions_TransposeConvOptions,
          options.Union(),
          bias,
          {integers(op, "shape", dims_of(op.output)), constant(details.weights)}};
}

GraphWriter::Entry GraphWriter::write_depthwise_conv_2d(const Op& op, tflite::Padding padding) {
  const Window& w = op.window;
  const std::int32_t multiplier =
      graph_.output_of(op).shape.channels / graph_.input_of(op).shape.channels;
  const auto options = tflite::CreateDepthwiseConv2DOptions(
      fbb(), padding, w.stride_width, w.stride_height, multiplier, function_of(op.activation),
      w.dilation_width, w.dilation_height);
  return {convolution_version(op), tflite::BuiltinOptions_DepthwiseConv2DOptions, options.Union(),
          weights(op)};
}

GraphWriter::Entry GraphWriter::write_fully_connected(const Op& op, tflite::Padding) {
  const auto options = tflite::CreateFullyConnectedOptions(
      fbb(), function_of(op.activation), /*weights_format=*/0, ranks_[op.output] != 2);
  const bool is_per_channel = graph_.constants[graph_.details_of(op).weights].scales.size() > 1;
  const int per_tensor_version = op.weight_bits == 4 ? 10 : 4;
  return {is_per_channel ? 12 : per_tensor_version, tflite::BuiltinOptions_FullyConnectedOptions,
          options.Union(), weights(op)};
}

GraphWriter::Entry GraphWriter::pool(const Op& op, tflite::Padding padding) {
  const Window& w = op.window;
  const auto options =
      tflite::CreatePool2DOptions(fbb(), padding, w.stride_width, w.stride_height, w.kernel_width,
                                  w.kernel_height, function_of(op.activation));
  return {2, tflite::BuiltinOptions_Pool2DOptions, options.Union(), {}};
}

GraphWriter::Entry GraphWriter::write_average_pool_2d(const Op& op, tflite::Padding padding) {
  return pool(op, padding);
}

GraphWriter::Entry GraphWriter::write_max_pool_2d(const Op& op, tflite::Padding padding) {
  return pool(op, padding);
}

GraphWriter::Entry GraphWriter::write_add(const Op& op, tflite::Padding) {
  const auto options = tflite::CreateAddOptions(fbb(), function_of(op.activation));
  return {2, tflite::BuiltinOptions_AddOptions, options.Union(), operand(op)};
}

GraphWriter::Entry GraphWriter::write_sub(const Op& op, tflite::Padding) {
  const auto options = tflite::CreateSubOptions(fbb(), function_of(op.activation));
  return {2, tflite::BuiltinOptions_SubOptions, options.Union(), operand(op)};
}

GraphWriter::Entry GraphWriter::write_mul(const Op& op, tflite::Padding) {
  const auto options = tflite::CreateMulOptions(fbb(), function_of(op.activation));
  return {2, tflite::BuiltinOptions_MulOptions, options.Union(), operand(op)};
}

GraphWriter::Entry GraphWriter::extremum(const Op& op) {
  return {2, tflite::BuiltinOptions_MaximumMinimumOptions,
          tflite::CreateMaximumMinimumOptions(fbb()).Union(), operand(op)};
}

GraphWriter::Entry GraphWriter::write_maximum(const Op& op, tflite::Padding) {
  return extremum(op);
}
GraphWriter::Entry GraphWriter::write_minimum(const Op& op, tflite::Padding) {
  return extremum(op);
}

GraphWriter::Entry GraphWriter::write_prelu(const Op& op, tflite::Padding) {
  return {1, tflite::BuiltinOptions_NONE, {}, operand(op)};
}

GraphWriter::Entry GraphWriter::write_squared_difference(const Op& op, tflite::Padding) {
  return {2, tflite::BuiltinOptions_NONE, {}, operand(op)};
}

GraphWriter::Entry GraphWriter::write_batch_matmul(const Op& op, tflite::Padding) {
  const auto options =
      tflite::CreateBatchMatMulOptions(fbb(), /*adj_x=*/false, graph_.details_of(op).is_transposed);
  return {2, tflite::BuiltinOptions_BatchMatMulOptions, options.Union(), operand(op)};
}

// The axes, counted in the file's dimensions. One more vanished than is reduced: the batch.
GraphWriter::Entry GraphWriter::reduction(const Op& op) {
  const TensorId input = graph_.inputs_of(op)[0];
  const std::int32_t rank = ranks_[input];
  std::vector<std::int32_t> axes;
  for (std::int32_t i = 0; i < 3; ++i) {
    if (graph_.details_of(op).reduced[i] && i + rank >= 3) axes.push_back(i - 3 + rank);
  }
  const bool keeps = ranks_[op.output] == rank;
  if (!keeps && rank - ranks_[op.output] > static_cast<std::int32_t>(axes.size())) {
    axes.insert(axes.begin(), 0);
  }
  return {2,
          tflite::BuiltinOptions_ReducerOptions,
          tflite::CreateReducerOptions(fbb(), keeps).Union(),
          {integers(op, "axes", axes)}};
}

GraphWriter::Entry GraphWriter::write_mean(const Op& op, tflite::Padding) { return reduction(op); }
GraphWriter::Entry GraphWriter::write_sum(const Op& op, tflite::Padding) { return reduction(op); }

GraphWriter::Entry GraphWriter::write_reduce_max(const Op& op, tflite::Padding) {
  return reduction(op);
}
GraphWriter::Entry GraphWriter::write_reduce_min(const Op& op, tflite::Padding) {
  return reduction(op);
}

// As many pairs as the output has dimensions.
std::int32_t GraphWriter::paddings(const Op& op) {
  const Padding& p = op.window.padding;
  const OpDetails& details = graph_.details_of(op);
  const std::array<std::int32_t, 8> all = {
      0, 0, p.top, p.bottom, p.left, p.right, details.channels_before, details.channels_after};
  const std::int32_t rank = ranks_[op.output];
  return integers(op, "paddings", {all.end() - 2 * rank, all.end()}, {rank, 2});
}

GraphWriter::Entry GraphWriter::write_pad(const Op& op, tflite::Padding) {
  const std::int32_t amounts = paddings(op);
  if (!graph_.details_of(op).border) {
    return {
        2, tflite::BuiltinOptions_PadOptions, tflite::CreatePadOptions(fbb()).Union(), {amounts}};
  }
  const TensorInfo& info = graph_.info_of(op.output);
  Constant value{.name = info.name + "/border", .zero_point = info.quantization.zero_point};
  if (info.quantization.scale != 0) value.scales = {info.quantization.scale};
  value.data = {static_cast<std::byte>(border_of(graph_, op))};
  return {.version = 2,
          .operands = {amounts, builder_.add_constant(value)},
          .code = tflite::BuiltinOperator_PADV2};
}

GraphWriter::Entry GraphWriter::write_mirror_pad(const Op& op, tflite::Padding) {
  const auto mode = graph_.details_of(op).repeats_edges ? tflite::MirrorPadMode_SYMMETRIC
                                                        : tflite::MirrorPadMode_REFLECT;
  return {2,
          tflite::BuiltinOptions_MirrorPadOptions,
          tflite::CreateMirrorPadOptions(fbb(), mode).Union(),
          {paddings(op)}};
}

GraphWriter::Entry GraphWriter::write_reshape(const Op& op, tflite::Padding) {
  const std::vector<std::int32_t> dims = dims_of(op.output);
  const auto options = tflite::CreateReshapeOptionsDirect(fbb(), &dims);
  return {1, tflite::BuiltinOptions_ReshapeOptions, options.Union(), {integers(op, "shape", dims)}};
}

GraphWriter::Entry GraphWriter::write_softmax(const Op& op, tflite::Padding) {
  const auto options = tflite::CreateSoftmaxOptions(fbb(), graph_.details_of(op).beta);
  return {2, tflite::BuiltinOptions_SoftmaxOptions, options.Union(), {}};
}

GraphWriter::Entry GraphWriter::write_relu(const Op&, tflite::Padding) { return {2}; }
GraphWriter::Entry GraphWriter::write_relu6(const Op&, tflite::Padding) { return {2}; }
GraphWriter::Entry GraphWriter::write_logistic(const Op&, tflite::Padding) { return {2}; }
GraphWriter::Entry GraphWriter::write_tanh(const Op&, tflite::Padding) { return {2}; }
GraphWriter::Entry GraphWriter::write_elu(const Op&, tflite::Padding) { return {1}; }
GraphWriter::Entry GraphWriter::write_abs(const Op&, tflite::Padding) { return {2}; }
GraphWriter::Entry GraphWriter::write_rsqrt(const Op&, tflite::Padding) { return {2}; }
GraphWriter::Entry GraphWriter::write_sqrt(const Op&, tflite::Padding) { return {2}; }
GraphWriter::Entry GraphWriter::write_exp(const Op&, tflite::Padding) { return {2}; }
GraphWriter::Entry GraphWriter::write_log(const Op&, tflite::Padding) { return {2}; }
GraphWriter::Entry GraphWriter::write_neg(const Op&, tflite::Padding) { return {1}; }
GraphWriter::Entry GraphWriter::write_relu_n1_to_1(const Op&, tflite::Padding) { return {1}; }
GraphWriter::Entry GraphWriter::write_relu_0_to_1(const Op&, tflite::Padding) { return {1}; }

GraphWriter::Entry GraphWriter::write_gelu(const Op& op, tflite::Padding) {
  const auto options = tflite::CreateGeluOptions(fbb(), graph_.details_of(op).is_approximate);
  return {2, tflite::BuiltinOptions_GeluOptions, options.Union(), {}};
}

GraphWriter::Entry GraphWriter::write_leaky_relu(const Op& op, tflite::Padding) {
  const auto options = tflite::CreateLeakyReluOptions(fbb(), graph_.details_of(op).alpha);
  return {2, tflite::BuiltinOptions_LeakyReluOptions, options.Union(), {}};
}

GraphWriter::Entry GraphWriter::write_log_softmax(const Op&, tflite::Padding) {
  return {2,
          tflite::BuiltinOptions_LogSoftmaxOptions,
          tflite::CreateLogSoftmaxOptions(fbb()).Union(),
          {}};
}

GraphWriter::Entry GraphWriter::write_hard_swish(const Op&, tflite::Padding) {
  return {1,
          tflite::BuiltinOptions_HardSwishOptions,
          tflite::CreateHardSwishOptions(fbb()).Union(),
          {}};
}

GraphWriter::Entry GraphWriter::write_quantize(const Op& op, tflite::Padding) {
  const int version = graph_.input_of(op).type == DataType::kFloat32 ? 1 : 2;
  return {version,
          tflite::BuiltinOptions_QuantizeOptions,
          tflite::CreateQuantizeOptions(fbb()).Union(),
          {}};
}

GraphWriter::Entry GraphWriter::write_dequantize(const Op&, tflite::Padding) {
  return {2,
          tflite::BuiltinOptions_DequantizeOptions,
          tflite::CreateDequantizeOptions(fbb()).Union(),
          {}};
}

GraphWriter::Entry GraphWriter::write_concatenation(const Op& op, tflite::Padding) {
  const auto axis = static_cast<std::int32_t>(graph_.details_of(op).axis);
  const auto options = tflite::CreateConcatenationOptions(fbb(), axis - 3 + ranks_[op.output]);
  return {2, tflite::BuiltinOptions_ConcatenationOptions, options.Union(), {}};
}

GraphWriter::Entry GraphWriter::write_resize_nearest_neighbor(const Op& op, tflite::Padding) {
  const OpDetails& details = graph_.details_of(op);
  const Shape& shape = graph_.output_of(op).shape;
  const auto options = tflite::CreateResizeNearestNeighborOptions(fbb(), details.align_corners,
                                                                  details.half_pixel_centers);
  return {details.half_pixel_centers ? 3 : 2,
          tflite::BuiltinOptions_ResizeNearestNeighborOptions,
          options.Union(),
          {integers(op, "size", {shape.height, shape.width})}};
}

// The batch is taken whole.
GraphWriter::Entry GraphWriter::write_strided_slice(const Op& op, tflite::Padding) {
  const OpDetails& details = graph_.details_of(op);
  const std::int32_t rank = ranks_[op.output];
  std::vector<std::int32_t> begins(rank, 0);
  std::vector<std::int32_t> ends(rank, 1);
  std::vector<std::int32_t> strides(rank, 1);
  std::int32_t end_mask = 0;
  for (std::int32_t axis = std::max(0, 3 - rank); axis < 3; ++axis) {
    const std::int32_t dim = axis - 3 + rank;
    begins[dim] = details.begin[axis];
    strides[dim] = details.stride[axis];
    ends[dim] = begins[dim] + along(details.part, static_cast<Axis>(axis)) * strides[dim];
    // Before the first element: a negative end would count from the last.
    if (ends[dim] < 0) end_mask |= 1 << dim;
  }
  const auto options =
      tflite::CreateStridedSliceOptions(fbb(), /*begin_mask=*/0, end_mask, /*ellipsis_mask=*/0,
                                        /*new_axis_mask=*/0, /*shrink_axis_mask=*/0);
  return {
      2,
      tflite::BuiltinOptions_StridedSliceOptions,
      options.Union(),
      {integers(op, "begin", begins), integers(op, "end", ends), integers(op, "strides", strides)}};
}

GraphWriter::Entry GraphWriter::write_resize_bilinear(const Op& op, tflite::Padding) {
  const OpDetails& details = graph_.details_of(op);
  const Shape& shape = graph_.output_of(op).shape;
  const auto options = tflite::CreateResizeBilinearOptions(
      fbb(), /*reserved_0=*/0, /*reserved_1=*/0, details.align_corners, details.half_pixel_centers);
  return {details.half_pixel_centers ? 3 : 2,
          tflite::BuiltinOptions_ResizeBilinearOptions,
          options.Union(),
          {integers(op, "size", {shape.height, shape.width})}};
}

GraphWriter::Entry GraphWriter::write_transpose(const Op& op, tflite::Padding) {
  const std::int32_t rank = ranks_[op.output];
  const auto& permutation = graph_.details_of(op).permutation;
  const std::array<std::int32_t, 4> all = {0, permutation[0] + 1, permutation[1] + 1,
                                           permutation[2] + 1};
  std::vector<std::int32_t> axes;
  for (std::int32_t i = 4 - rank; i < 4; ++i) axes.push_back(all[i] - 4 + rank);
  return {2,
          tflite::BuiltinOptions_TransposeOptions,
          tflite::CreateTransposeOptions(fbb()).Union(),
          {integers(op, "permutation", axes)}};
}

// Operands in the order of the format; what is left out belongs to other forms of it.
GraphWriter::Entry GraphWriter::write_unidirectional_sequence_lstm(const Op& op, tflite::Padding) {
  const OpDetails& details = graph_.details_of(op);
  const TensorId source = graph_.inputs_of(op)[0];
  if (ranks_[source] != 3) {
    throw Error("tensor {} '{}': has {} dimensions, and a sequence of vectors 3", source,
                graph_.info_of(source).name, ranks_[source]);
  }
  const bool is_time_major = graph_.input_of(op).shape.height > 1;
  Entry entry{.options_type = tflite::BuiltinOptions_UnidirectionalSequenceLSTMOptions,
              .options = tflite::CreateUnidirectionalSequenceLSTMOptions(
                             fbb(), tflite::ActivationFunction_TANH, details.cell_clip,
                             /*proj_clip=*/0, is_time_major)
                             .Union(),
              .operands = std::vector<std::int32_t>(4, kNoId)};  // coefficients of norms
  for (ConstantId id : details.gates.input) entry.after_first.push_back(constant(id));
  for (ConstantId id : details.gates.recurrent) entry.after_first.push_back(constant(id));
  entry.after_first.insert(entry.after_first.end(), 3, kNoId);  // peephole weights
  for (ConstantId id : details.gates.bias) entry.after_first.push_back(constant(id));
  entry.after_first.insert(entry.after_first.end(), 2, kNoId);  // a projection
  // What gates are before a norm, without one of no type, and the hidden state before a projection.
  const TensorId hidden = graph_.inputs_of(op)[1];
  for (std::size_t i = 0; i <= kGates; ++i) {
    const bool is_gate = i < kGates;
    entry.intermediates.push_back(builder_.add_activation(
        fmt::format("{}/intermediate_{}", graph_.info_of(op.output).name, i),
        is_gate ? DataType::kFloat32 : DataType::kInt8, {0},
        is_gate ? Quantization{} : graph_.info_of(hidden).quantization));
  }
  return entry;
}

// The first one, or kNoId.
TensorId int4_activation(const Graph& graph) {
  const auto at = std::find_if(graph.tensors.begin(), graph.tensors.end(),
                               [](const Tensor& tensor) { return tensor.type == DataType::kInt4; });
  return at == graph.tensors.end() ? kNoId : static_cast<TensorId>(at - graph.tensors.begin());
}

void write_contents(const std::vector<std::byte>& contents, const std::filesystem::path& file) {
  write_file_atomically(
      file, std::string_view(reinterpret_cast<const char*>(contents.data()), contents.size()));
}

}  // namespace

std::vector<std::byte> write_tflite(const Graph& graph) {
  if (const TensorId id = int4_activation(graph); id != kNoId) {
    throw Error(
        "tensor {} '{}': is an activation of int4; TensorFlow Lite has int4 for weights only", id,
        graph.info_of(id).name);
  }
  return write_model(graph);
}

void write_tflite(const Graph& graph, const std::filesystem::path& file) {
  write_contents(write_tflite(graph), file);
}

std::vector<std::byte> write_model(const Graph& graph) {
  validate_graph(graph);
  return GraphWriter(graph).write();
}

void write_model(const Graph& graph, const std::filesystem::path& file) {
  write_contents(write_model(graph), file);
}

std::string model_file_name(const Graph& graph) {
  return int4_activation(graph) == kNoId ? "model.tflite" : "model.mcunet";
}

}  // namespace mcunet::engine
