// LSTMs over a sequence, in the form that is integers throughout.
#include <algorithm>
#include <array>
#include <string_view>

#include "mcunet/core/error.hpp"
#include "tflite/operators.hpp"

namespace mcunet::engine {
namespace {

// Where the operands stand.
constexpr std::uint32_t kInputs = 24;
constexpr std::uint32_t kInputWeights = 1;
constexpr std::uint32_t kRecurrentWeights = 5;
constexpr std::uint32_t kBiases = 12;
constexpr std::uint32_t kHidden = 18;
constexpr std::uint32_t kCells = 19;

struct Variant {
  std::uint32_t first;
  std::uint32_t end;
  std::string_view name;
};
constexpr std::array kVariants = {
    Variant{9, 12, "peephole connections are"},
    Variant{16, 18, "a projection is"},
    Variant{20, 24, "layer normalization is"},
};

}  // namespace

void TfliteOperators::read_unidirectional_sequence_lstm() {
  const auto& o = options<tflite::UnidirectionalSequenceLSTMOptions>();
  require_inputs(kInputs, kInputs);
  const TensorId source = activation(input(0));
  const DataType type = graph_.tensors[source].type;
  if (type != DataType::kInt8) {
    throw Error("{}: is {}; quantize the whole model to int8, weights and activations",
                tensors_.describe(input(0)), name_of(type));
  }
  for (const Variant& variant : kVariants) {
    for (std::uint32_t position = variant.first; position < variant.end; ++position) {
      if (has_input(position)) throw Error("{} not supported", variant.name);
    }
  }
  if (o.activation() != tflite::ActivationFunction_TANH) {
    throw Error("its activation must be TANH, is {}", static_cast<int>(o.activation()));
  }
  const std::vector<std::int32_t> dims = tensors_.dims(input(0));
  if (dims.size() != 3) throw Error("its input has {} dimensions instead of 3", dims.size());
  const std::int32_t batch = dims[o.time_major() ? 1 : 0];
  if (batch != 1) throw Error("a batch of {} is not supported, only of 1", batch);
  details().cell_clip = o.cell_clip();
  read_gates();
  const TensorId hidden = add_kept(kHidden);
  const TensorId cells = add_kept(kCells);
  settle_dims(output(), {dims[0], dims[1], graph_.tensors[hidden].shape.channels});
  append({source, hidden, cells});
}

void TfliteOperators::read_gates() {
  op_.has_bias = true;
  const auto read = [&](std::uint32_t first, std::array<ConstantId, kGates>& ids) {
    for (std::uint32_t gate = 0; gate < kGates; ++gate) ids[gate] = constant(input(first + gate));
  };
  GateConstants gates;
  read(kInputWeights, gates.input);
  read(kRecurrentWeights, gates.recurrent);
  read(kBiases, gates.bias);
  details().gates = gates;
}

// A variable that the operator alone uses, as a state of the graph.
TensorId TfliteOperators::add_kept(std::uint32_t position) {
  const std::int32_t index = input(position);
  const Tensor tensor = tensors_.variable(index);
  const TensorInfo info = tensors_.info(index);
  const auto [entry, is_new] = kept_.try_emplace(index);
  if (!is_new) throw Error("{}: is kept twice", tensors_.describe(index));
  const TensorId id = add_input(graph_, tensor.shape, tensor.type);
  edit_info(graph_, id) = info;
  entry->second.state = entry->second.value = id;
  states_.push_back(&entry->second);
  return id;
}

}  // namespace mcunet::engine
