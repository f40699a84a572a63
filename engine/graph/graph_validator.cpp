#include "mcunet/engine/graph/graph_validator.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "graph/operator_checks.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/activations.hpp"
#include "mcunet/engine/graph/operator_table.hpp"
#include "mcunet/engine/graph/weights.hpp"

namespace mcunet::engine {
namespace {

// Left shifts by more than 30 bits are outside the specification.
constexpr double kMaxMultiplier = 1 << 30;

bool is_narrow(DataType type) { return type == DataType::kInt8 || type == DataType::kInt4; }

bool is_byte(DataType type) { return type == DataType::kInt8 || type == DataType::kUint8; }

bool is_quantized(DataType type) { return is_byte(type) || type == DataType::kInt4; }

bool is_valid_scale(float scale) { return std::isfinite(scale) && scale > 0; }

template <typename Id, typename Table>
bool is_in(Id id, const Table& table) {
  return id >= 0 && static_cast<std::size_t>(id) < table.size();
}

// The rules of all operators, each with the traits of its row.
class OpValidator : private CheckedOp {
 public:
  OpValidator(const Graph& whole, const Op& operation)
      : CheckedOp(whole, operation), traits_(traits_of(op.kind)) {}

  void validate() const {
    check_operands();
    check_types();
    check_window();
    check_quantization();
    traits_.check(*this);
    check_output_shape();
    check_factor();
  }

 private:
  bool is_input_count_right() const {
    switch (OperandCount{traits_.operands}) {
      case OperandCount::kOne:
        return op.input_count == 1;
      case OperandCount::kTwo:
        return op.input_count == (details.operand == kNoId ? 2 : 1);
      case OperandCount::kMany:
        return op.input_count >= 1;
      case OperandCount::kOneAndStates:
        return op.input_count > 1;
    }
    return false;
  }

  // Inputs that are no states.
  std::span<const TensorId> operands() const {
    const std::span<const TensorId> inputs = graph.inputs_of(op);
    return inputs.first(inputs.size() - states_of(graph, op).size());
  }

  void check_operands() const {
    if (!is_input_count_right()) fail("has {} inputs", op.input_count);
    for (TensorId input : graph.inputs_of(op)) check_tensor(input);
    check_tensor(op.output);
    if (has_weights(op)) check_weights();
    if (details.operand != kNoId) check_operand();
  }

  // What keeps the quantization does not look at it: bytes that stand for no real numbers will do.
  bool takes_plain_bytes() const {
    const QuantizationRule rule = traits_.quantization;
    return rule.keeps && op.activation == Activation::kNone;
  }

  void check_tensor(TensorId tensor_id) const {
    const Tensor& tensor = graph.tensors[tensor_id];
    if (!is_quantized(tensor.type)) return;
    const Quantization& q = quantization_of(tensor_id);
    const int bits = bits_per_element(tensor.type);
    const int lowest = tensor.type == DataType::kUint8 ? 0 : -(1 << (bits - 1));
    if (!is_valid_scale(q.scale) && !(q.scale == 0 && takes_plain_bytes())) {
      fail("{}: its scale is {}", describe(tensor_id), q.scale);
    }
    if (q.zero_point < lowest || q.zero_point >= lowest + (1 << bits)) {
      fail("{}: its zero point is {}", describe(tensor_id), q.zero_point);
    }
  }

  void check_weights() const {
    const Constant& weights = constant(details.weights, "weights");
    const WeightLayout layout = weight_layout(graph, op);
    if (weights.type != DataType::kInt8 && weights.type != DataType::kInt4) {
      fail("weights '{}': are {}, not int8 or int4", weights.name, name_of(weights.type));
    }
    if (weights.type == DataType::kInt4 && !takes_int4_weights(op)) {
      fail("weights '{}': are int4, which the operator does not take; quantize them to int8",
           weights.name);
    }
    if (weights.type != weight_type(op)) fail("weight_bits contradicts its weights");
    if (weights.dims != layout.dims()) {
      fail("weights '{}': their shape fits neither input nor output", weights.name);
    }
    const auto scales = static_cast<std::int32_t>(weights.scales.size());
    if (weights.zero_point != 0 || (scales != 1 && scales != layout.outputs) ||
        !std::all_of(weights.scales.begin(), weights.scales.end(), is_valid_scale)) {
      fail("weights '{}': need a positive scale, or one per output channel, and a zero point of 0",
           weights.name);
    }
    if (scales > 1 && weights.channel_axis != layout.channel_axis()) {
      fail("weights '{}': are quantized along axis {}", weights.name, weights.channel_axis);
    }
    if (op.has_bias != (details.bias != kNoId)) fail("has_bias contradicts its details");
    if (op.has_bias) check_bias();
  }

  void check_bias() const {
    const Constant& bias = constant(details.bias, "bias");
    if (bias.type != DataType::kInt32 || bias.elements() != graph.output_of(op).shape.channels) {
      fail("bias '{}': is not one int32 per output channel", bias.name);
    }
  }

  void check_operand() const {
    const Constant& operand = constant(details.operand, "operand");
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
    const DataType input = graph.input_of(op).type;
    const DataType output = graph.output_of(op).type;
    switch (TypeRule{traits_.types}) {
      case TypeRule::kInt8:
        for (TensorId input_id : operands()) {
          if (graph.tensors[input_id].type != DataType::kInt8) fail_type(input_id);
        }
        if (output != DataType::kInt8) fail_type(op.output);
        return;
      case TypeRule::kNarrow:
      case TypeRule::kAllNarrow:
        check_narrow_types();
        return;
      case TypeRule::kSame:
        if (input == DataType::kInt4) fail_type(input_id());
        if (input != output) fail("{}: its type differs from the input's", describe(op.output));
        return;
      case TypeRule::kToInt8:
        if (input != DataType::kFloat32 && !is_byte(input)) fail_type(input_id());
        if (!is_byte(output)) fail_type(op.output);
        return;
      case TypeRule::kToFloat:
        if (!is_byte(input)) fail_type(input_id());
        if (output != DataType::kFloat32) fail_type(op.output);
        return;
    }
  }

  void check_narrow_types() const {
    std::vector<TensorId> activations(graph.inputs_of(op).begin(), graph.inputs_of(op).end());
    activations.push_back(op.output);
    bool has_int4 = false;
    for (TensorId id : activations) {
      const DataType type = graph.tensors[id].type;
      if (!is_narrow(type)) fail_type(id);
      has_int4 = has_int4 || type == DataType::kInt4;
      if (traits_.types == TypeRule::kAllNarrow && type != graph.tensors[activations[0]].type) {
        fail("{} and {}: must both be int8 or both be int4", describe(activations[0]),
             describe(id));
      }
    }
    if (!has_int4) return;
    const std::string objection = int4_objection(graph, op);
    if (!objection.empty()) fail("does not take activations of int4, as it {}", objection);
  }

  [[noreturn]] void fail_type(TensorId tensor) const {
    fail("{}: is {}, which the operator does not take; quantize the whole model to int8",
         describe(tensor), name_of(graph.tensors[tensor].type));
  }

  void check_window() const {
    const Window& w = op.window;
    const Padding& p = w.padding;
    if (std::min({w.kernel_height, w.kernel_width, w.stride_height, w.stride_width,
                  w.dilation_height, w.dilation_width}) < 1) {
      fail("its kernel, strides and dilation must be positive");
    }
    if (std::min({p.top, p.bottom, p.left, p.right}) < 0) fail("its padding is negative");
    if (op.activation > Activation::kReluN1To1) fail("has an unknown activation");
  }

  void check_quantization() const {
    const QuantizationRule rule = traits_.quantization;
    for (TensorId input : graph.inputs_of(op)) {
      if (!rule.keeps || is_nearly_equal(quantization_of(input), output_quantization())) continue;
      fail("{} and {}: must have the same scale and zero point", describe(input),
           describe(op.output));
    }
    if (rule.prescribed && output_quantization() != *rule.prescribed) {
      fail("{}: its scale must be 1/{} and its zero point {}", describe(op.output),
           1 / rule.prescribed->scale, rule.prescribed->zero_point);
    }
  }

  void check_output_shape() const {
    const Shape& shape = graph.output_of(op).shape;
    bool is_accepted = false;
    try {
      is_accepted = traits_.accepts(graph, op);
    } catch (const Error& error) {
      fail("{}: {}", describe(input_id()), error.what());
    }
    if (is_accepted) return;
    fail("{}: its shape {}x{}x{} does not follow from the input", describe(op.output), shape.height,
         shape.width, shape.channels);
  }

  void check_factor() const {
    if (!is_quantized(graph.output_of(op).type) || !is_quantized(graph.input_of(op).type)) return;
    if (output_quantization().scale == 0) return;  // all are plain bytes
    const double factor = traits_.factor(graph, op);
    if (!(factor < kMaxMultiplier)) fail("its scales give a factor of {}", factor);
  }

  const OperatorTraits& traits_;
};

void check_tensor_sizes(const Graph& graph) {
  for (std::size_t id = 0; id < graph.tensors.size(); ++id) {
    const Tensor& tensor = graph.tensors[id];
    const Shape& s = tensor.shape;
    const std::int64_t limit = kMaxTensorBytes * 8 / bits_per_element(tensor.type);
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

// What operators keep themselves are states of the graph, each of one operator.
void check_kept_states(const Graph& graph) {
  std::vector<bool> is_kept(graph.tensors.size());
  const auto check_use = [&](TensorId id) {
    if (is_kept[id]) throw Error("tensor {} is a state of one operator, which others use", id);
  };
  for (const Op& op : graph.ops) {
    for (TensorId id : states_of(graph, op)) {
      check_use(id);
      if (graph.state_in_place(id) == kNoId) {
        throw Error("tensor {} is kept by {}, but is no state", id, name_of(op.kind));
      }
      is_kept[id] = true;
    }
  }
  for (const Op& op : graph.ops) {
    const auto inputs = graph.inputs_of(op);
    for (TensorId id : inputs.first(inputs.size() - states_of(graph, op).size())) check_use(id);
  }
  for (TensorId id : graph.told_outputs()) check_use(id);
  for (std::size_t i = 0; i < graph.states.size(); ++i) {
    const TensorId id = graph.state_inputs()[i];
    const bool is_int8 = graph.tensors[id].type == DataType::kInt8;
    const std::span<const TensorId> outputs = graph.state_outputs();
    if (is_kept[id] ? std::count(outputs.begin(), outputs.end(), id) != 1 : !is_int8) {
      throw Error("state {} is neither an int8 tensor nor one operator's own", i);
    }
  }
}

void check_states(const Graph& graph) {
  if (graph.inputs.size() < graph.states.size() || graph.outputs.size() < graph.states.size()) {
    throw Error("has {} states, but not as many inputs and outputs", graph.states.size());
  }
  check_kept_states(graph);
  if (graph.states.empty()) return;
  if (graph.inputs.size() <= graph.states.size() || graph.outputs.size() <= graph.states.size()) {
    throw Error("has no inputs or no outputs besides its state");
  }
  for (std::size_t i = 0; i < graph.states.size(); ++i) {
    const TensorId input = graph.state_inputs()[i];
    const TensorId output = graph.state_outputs()[i];
    const Tensor& tensor = graph.tensors[input];
    if (tensor != graph.tensors[output] ||
        graph.info_of(input).quantization != graph.info_of(output).quantization ||
        tensor.bytes() != static_cast<std::int64_t>(graph.states[i].size())) {
      throw Error("state {} is not the same tensor when it is read and when it is kept", i);
    }
  }
}

}  // namespace

void validate_op(const Graph& graph, OpId op) { OpValidator(graph, graph.ops[op]).validate(); }

void validate_graph(const Graph& graph) {
  check_tensor_sizes(graph);
  check_order(graph);
  check_states(graph);
  for (std::size_t id = 0; id < graph.ops.size(); ++id) {
    try {
      validate_op(graph, static_cast<OpId>(id));
    } catch (const Error& error) {
      throw Error("operator {} ({}): {}", id, name_of(graph.ops[id].kind), error.what());
    }
  }
}

}  // namespace mcunet::engine
