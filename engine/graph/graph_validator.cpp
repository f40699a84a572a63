#include "mcunet/engine/graph/graph_validator.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/shape_inference.hpp"

namespace mcunet::engine {
namespace {

// Left shifts by more than 30 bits are outside the specification.
constexpr double kMaxMultiplier = 1 << 30;

bool is_quantized(DataType type) { return type == DataType::kInt8 || type == DataType::kUint8; }

bool is_valid_scale(float scale) { return std::isfinite(scale) && scale > 0; }

bool is_nearly_equal(const Quantization& a, const Quantization& b) {
  return a.zero_point == b.zero_point && std::abs(a.scale - b.scale) <= 1e-6F;
}

template <typename Id, typename Table>
bool is_in(Id id, const Table& table) {
  return id >= 0 && static_cast<std::size_t>(id) < table.size();
}

// The rules of one operator.
class OpValidator {
 public:
  OpValidator(const Graph& graph, OpId id)
      : graph_(graph), op_(graph.ops[id]), details_(graph.details_of(op_)) {}

  void validate() const {
    check_operands();
    check_types();
    check_window();
    check_attributes();
    check_output_shape();
    check_multipliers();
  }

 private:
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw Error(format, std::forward<Args>(args)...);
  }

  std::string describe(TensorId tensor) const {
    const std::string& name = graph_.info_of(tensor).name;
    return name.empty() ? fmt::format("tensor {}", tensor) : fmt::format("tensor '{}'", name);
  }

  TensorId input_id(int index = 0) const { return graph_.inputs_of(op_)[index]; }
  const Quantization& quantization_of(TensorId tensor) const {
    return graph_.info_of(tensor).quantization;
  }
  const Quantization& input_quantization() const { return quantization_of(input_id()); }
  const Quantization& output_quantization() const { return quantization_of(op_.output); }

  bool is_convolution() const {
    return op_.kind == OpKind::kConv2d || op_.kind == OpKind::kDepthwiseConv2d ||
           op_.kind == OpKind::kFullyConnected;
  }
  bool is_pooling() const {
    return op_.kind == OpKind::kAveragePool2d || op_.kind == OpKind::kMaxPool2d;
  }
  bool is_binary() const {
    return op_.kind == OpKind::kAdd || op_.kind == OpKind::kSub || op_.kind == OpKind::kMul;
  }

  void check_operands() const {
    const int expected = is_binary() && details_.operand == kNoId ? 2 : 1;
    const bool fits =
        op_.kind == OpKind::kConcatenation ? op_.input_count >= 1 : op_.input_count == expected;
    if (!fits) fail("has {} inputs", op_.input_count);
    for (TensorId input : graph_.inputs_of(op_)) check_tensor(input);
    check_tensor(op_.output);
    if (is_convolution()) check_weights();
    if (is_binary() && details_.operand != kNoId) check_operand();
  }

  void check_tensor(TensorId id) const {
    const Tensor& tensor = graph_.tensors[id];
    if (!is_quantized(tensor.type)) return;
    const Quantization& q = quantization_of(id);
    const int lowest = tensor.type == DataType::kInt8 ? -128 : 0;
    if (!is_valid_scale(q.scale)) fail("{}: its scale is {}", describe(id), q.scale);
    if (q.zero_point < lowest || q.zero_point > lowest + 255) {
      fail("{}: its zero point is {}", describe(id), q.zero_point);
    }
  }

  const Constant& constant(ConstantId id, const char* role) const {
    if (!is_in(id, graph_.constants)) fail("has no {}", role);
    const Constant& c = graph_.constants[id];
    std::int64_t bytes = bytes_per_element(c.type);
    for (std::int32_t dim : c.dims) {
      if (dim < 1 || bytes > kMaxTensorBytes / dim) fail("{} '{}': bad shape", role, c.name);
      bytes *= dim;
    }
    if (bytes != static_cast<std::int64_t>(c.data.size())) {
      fail("{} '{}': has {} bytes instead of {}", role, c.name, c.data.size(), bytes);
    }
    return c;
  }

  std::vector<std::int32_t> expected_weight_dims() const {
    const Shape& input = graph_.input_of(op_).shape;
    const std::int32_t outputs = graph_.output_of(op_).shape.channels;
    const std::int32_t height = op_.window.kernel_height;
    const std::int32_t width = op_.window.kernel_width;
    if (op_.kind == OpKind::kConv2d) return {outputs, height, width, input.channels};
    if (op_.kind == OpKind::kDepthwiseConv2d) return {1, height, width, outputs};
    const bool is_one_row = rows_of(graph_, op_) == 1;
    return {outputs, is_one_row ? static_cast<std::int32_t>(input.elements()) : input.channels};
  }

  void check_weights() const {
    const Constant& weights = constant(details_.weights, "weights");
    const std::int32_t outputs = graph_.output_of(op_).shape.channels;
    if (weights.type != DataType::kInt8) fail("weights '{}': are not int8", weights.name);
    if (weights.dims != expected_weight_dims()) {
      fail("weights '{}': their shape fits neither input nor output", weights.name);
    }
    const auto scales = static_cast<std::int32_t>(weights.scales.size());
    if (weights.zero_point != 0 || (scales != 1 && scales != outputs) ||
        !std::all_of(weights.scales.begin(), weights.scales.end(), is_valid_scale)) {
      fail("weights '{}': need a positive scale, or one per output channel, and a zero point of 0",
           weights.name);
    }
    const int channel_axis = op_.kind == OpKind::kDepthwiseConv2d ? 3 : 0;
    if (scales > 1 && weights.channel_axis != channel_axis) {
      fail("weights '{}': are quantized along axis {}", weights.name, weights.channel_axis);
    }
    if (op_.has_bias != (details_.bias != kNoId)) fail("has_bias contradicts its details");
    if (op_.has_bias) check_bias();
  }

  void check_bias() const {
    const Constant& bias = constant(details_.bias, "bias");
    if (bias.type != DataType::kInt32 || bias.elements() != graph_.output_of(op_).shape.channels) {
      fail("bias '{}': is not one int32 per output channel", bias.name);
    }
  }

  void check_operand() const {
    const Constant& operand = constant(details_.operand, "operand");
    const bool is_batch = operand.dims.size() == 4 && operand.dims[0] != 1;
    if (operand.type != DataType::kInt8 || operand.dims.size() > 4 || is_batch) {
      fail("operand '{}': is not int8 with a batch of 1", operand.name);
    }
    if (operand.scales.size() != 1 || !is_valid_scale(operand.scales[0]) ||
        operand.zero_point < -128 || operand.zero_point > 127) {
      fail("operand '{}': needs one positive scale and a zero point of int8", operand.name);
    }
  }

  void check_types() const {
    const DataType input = graph_.input_of(op_).type;
    const DataType output = graph_.output_of(op_).type;
    switch (op_.kind) {
      case OpKind::kReshape:
      case OpKind::kTranspose:
        if (input != output) fail("{}: its type differs from the input's", describe(op_.output));
        return;
      case OpKind::kQuantize:
        if (input != DataType::kFloat32 && !is_quantized(input)) fail_type(input_id());
        if (!is_quantized(output)) fail_type(op_.output);
        return;
      case OpKind::kDequantize:
        if (!is_quantized(input)) fail_type(input_id());
        if (output != DataType::kFloat32) fail_type(op_.output);
        return;
      default:
        for (TensorId id : graph_.inputs_of(op_)) {
          if (graph_.tensors[id].type != DataType::kInt8) fail_type(id);
        }
        if (output != DataType::kInt8) fail_type(op_.output);
    }
  }

  [[noreturn]] void fail_type(TensorId tensor) const {
    fail("{}: is of a type that the operator does not take", describe(tensor));
  }

  void check_window() const {
    const Window& w = op_.window;
    const Padding& p = w.padding;
    if (std::min({w.kernel_height, w.kernel_width, w.stride_height, w.stride_width,
                  w.dilation_height, w.dilation_width}) < 1) {
      fail("its kernel, strides and dilation must be positive");
    }
    if (std::min({p.top, p.bottom, p.left, p.right}) < 0) fail("its padding is negative");
    if (is_pooling()) {
      if (w.dilation_height != 1 || w.dilation_width != 1) fail("pools are not dilated");
      if (std::max(p.top, p.bottom) >= w.kernel_height ||
          std::max(p.left, p.right) >= w.kernel_width) {
        fail("its padding is not smaller than its kernel");
      }
    }
  }

  void check_attributes() const {
    if (op_.activation > Activation::kReluN1To1) fail("has an unknown activation");
    switch (op_.kind) {
      case OpKind::kAveragePool2d:
      case OpKind::kMaxPool2d:
      case OpKind::kReshape:
      case OpKind::kTranspose:
      case OpKind::kPad:
      case OpKind::kResizeNearestNeighbor:
      case OpKind::kConcatenation:
        for (TensorId id : graph_.inputs_of(op_)) check_same_quantization(id);
        break;
      case OpKind::kSoftmax:
        if (!std::isfinite(details_.beta) || details_.beta <= 0) fail("beta is {}", details_.beta);
        check_probabilities();
        break;
      case OpKind::kLogistic:
        check_probabilities();
        break;
      default:
        break;
    }
    if (op_.kind == OpKind::kTranspose) check_permutation();
    const auto [least, most] = std::minmax(details_.channels_before, details_.channels_after);
    if (least < 0 || most > kMaxTensorBytes) fail("its padding is out of range");
  }

  void check_same_quantization(TensorId input) const {
    if (!is_nearly_equal(quantization_of(input), output_quantization())) {
      fail("{} and {}: must have the same scale and zero point", describe(input),
           describe(op_.output));
    }
  }

  void check_probabilities() const {
    if (output_quantization() != Quantization{1.0F / 256, -128}) {
      fail("{}: its scale must be 1/256 and its zero point -128", describe(op_.output));
    }
  }

  void check_permutation() const {
    auto sorted = details_.permutation;
    std::sort(sorted.begin(), sorted.end());
    if (sorted != std::array<std::int8_t, 3>{0, 1, 2}) fail("its permutation is none");
  }

  void check_output_shape() const {
    const Shape& input = graph_.input_of(op_).shape;
    const Shape& output = graph_.output_of(op_).shape;
    if (op_.kind == OpKind::kReshape) {
      if (input.elements() != output.elements()) fail_shape();
      return;
    }
    if (op_.kind == OpKind::kFullyConnected) {
      const std::int64_t rows = rows_of(graph_, op_);
      if (rows != 1 && rows * input.channels != input.elements()) fail_shape();
      return;
    }
    if (op_.kind == OpKind::kResizeNearestNeighbor) {
      if (input.channels != output.channels) fail_shape();
      return;
    }
    if (op_.kind == OpKind::kDepthwiseConv2d && output.channels % input.channels != 0) fail_shape();
    Shape expected;
    try {
      expected = infer_output_shape(graph_, op_, output.channels);
    } catch (const Error& error) {
      fail("{}: {}", describe(input_id()), error.what());
    }
    const bool is_same =
        output == expected || (op_.kind == OpKind::kMean && output == without_reduced(expected));
    if (!is_same) fail_shape();
  }

  // A mean that does not keep the axes it averages over: the others move to the end.
  Shape without_reduced(const Shape& kept) const {
    Shape shape;
    Axis to = Axis::kChannels;
    for (Axis from : {Axis::kChannels, Axis::kWidth, Axis::kHeight}) {
      if (details_.reduced[static_cast<int>(from)]) continue;
      along(shape, to) = along(kept, from);
      to = to == Axis::kChannels ? Axis::kWidth : Axis::kHeight;
    }
    return shape;
  }

  [[noreturn]] void fail_shape() const {
    const Shape& shape = graph_.output_of(op_).shape;
    fail("{}: its shape {}x{}x{} does not follow from the input", describe(op_.output),
         shape.height, shape.width, shape.channels);
  }

  void check_multipliers() const {
    if (!is_quantized(graph_.output_of(op_).type) || !is_quantized(graph_.input_of(op_).type)) {
      return;
    }
    double factor = double{input_quantization().scale} / double{output_quantization().scale};
    if (is_convolution()) {
      const auto& scales = graph_.constants[details_.weights].scales;
      factor *= *std::max_element(scales.begin(), scales.end());
    }
    if (is_binary()) {
      const double other = details_.operand != kNoId ? graph_.constants[details_.operand].scales[0]
                                                     : quantization_of(input_id(1)).scale;
      const double ratio =
          std::max(double{input_quantization().scale}, other) / double{output_quantization().scale};
      factor = op_.kind == OpKind::kMul ? factor * other : ratio;
    }
    if (!(factor < kMaxMultiplier)) fail("its scales give a factor of {}", factor);
    check_activation_functions();
  }

  // Ranges within which the fixed-point functions are specified.
  void check_activation_functions() const {
    const double scale = input_quantization().scale;
    const double least = op_.kind == OpKind::kSoftmax ? scale * details_.beta : scale;
    if (op_.kind == OpKind::kSoftmax && (least * (1 << 26) <= 1 || least > 1 << 20)) {
      fail("{}: a scale of {} is out of range", describe(input_id()), scale);
    }
    if (op_.kind == OpKind::kLogistic && (scale * (1 << 27) <= 1 || scale > 1 << 10)) {
      fail("{}: a scale of {} is out of range", describe(input_id()), scale);
    }
    if (op_.kind == OpKind::kHardSwish &&
        (scale / 128 >= double{output_quantization().scale} || scale > 1 << 10)) {
      fail("{}: a scale of {} is out of range", describe(input_id()), scale);
    }
  }

  const Graph& graph_;
  const Op& op_;
  const OpDetails& details_;
};

void check_tensor_sizes(const Graph& graph) {
  for (std::size_t id = 0; id < graph.tensors.size(); ++id) {
    const Tensor& tensor = graph.tensors[id];
    const Shape& s = tensor.shape;
    const std::int64_t limit = kMaxTensorBytes / bytes_per_element(tensor.type);
    if (s.height < 1 || s.width < 1 || s.channels < 1 || s.height > limit || s.width > limit ||
        std::int64_t{s.height} * s.width > limit || s.elements() > limit) {
      throw Error("tensor {} '{}': {}x{}x{} is empty or too large", id,
                  graph.info_of(static_cast<TensorId>(id)).name, s.height, s.width, s.channels);
    }
  }
}

// Every tensor has one source, and before its uses.
void check_order(const Graph& graph) {
  std::vector<bool> is_produced(graph.tensors.size());
  const auto produce = [&](TensorId id) {
    if (!is_in(id, graph.tensors) || is_produced[id])
      throw Error("tensor {} has no or two sources", id);
    is_produced[id] = true;
  };
  const auto use = [&](TensorId id) {
    if (!is_in(id, graph.tensors) || !is_produced[id]) {
      throw Error("tensor {} is used before it is produced", id);
    }
  };
  for (TensorId id : graph.inputs) produce(id);
  for (const Op& op : graph.ops) {
    const auto end = std::int64_t{op.first_input} + op.input_count;
    if (op.first_input < 0 || op.input_count < 1 ||
        end > static_cast<std::int64_t>(graph.op_inputs.size())) {
      throw Error("an operator's inputs are out of range");
    }
    if (op.details != kNoId && !is_in(op.details, graph.details)) {
      throw Error("an operator's details are out of range");
    }
    for (TensorId id : graph.inputs_of(op)) use(id);
    produce(op.output);
  }
  for (TensorId id : graph.outputs) use(id);
}

}  // namespace

void validate_op(const Graph& graph, OpId op) { OpValidator(graph, op).validate(); }

void validate_graph(const Graph& graph) {
  check_tensor_sizes(graph);
  check_order(graph);
  for (std::size_t id = 0; id < graph.ops.size(); ++id) {
    try {
      validate_op(graph, static_cast<OpId>(id));
    } catch (const Error& error) {
      throw Error("operator {} ({}): {}", id, name_of(graph.ops[id].kind), error.what());
    }
  }
}

}  // namespace mcunet::engine
