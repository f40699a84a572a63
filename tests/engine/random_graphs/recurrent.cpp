// LSTMs.
#include <cmath>

#include "random_graphs/random_graph.hpp"

namespace mcunet::engine {

ConstantId RandomGraph::add_gate(const char* name, std::int32_t cells, std::int32_t values,
                                 double scale) {
  Constant weights{.name = name,
                   .dims = {cells, values},
                   .scales = {static_cast<float>(scale * factor(0.25, 4))},
                   .data = random_bytes(std::int64_t{cells} * values)};
  // Symmetric quantization does not make -128.
  for (std::byte& byte : weights.data) {
    if (byte == std::byte{0x80}) byte = std::byte{0x81};
  }
  graph_.constants.push_back(std::move(weights));
  return static_cast<ConstantId>(graph_.constants.size()) - 1;
}

TensorId RandomGraph::add_state(const char* name, std::int32_t cells, DataType type,
                                const Quantization& quantization) {
  const TensorId id = add_input(graph_, {1, 1, cells}, type);
  set_info(id, name, quantization, /*rank=*/2);
  graph_.states.emplace_back(static_cast<std::size_t>(graph_.tensors[id].bytes()),
                             static_cast<std::byte>(quantization.zero_point));
  return id;
}

// Cells of all sizes of a step, and clipped ones; rarely such that do not leave their range, and hidden states of which
// many saturate.
void RandomGraph::build_unidirectional_sequence_lstm() {
  const std::int32_t steps = between(1, 7);
  const std::int32_t features = between(1, 13);
  const std::int32_t cells = between(1, 11);
  const bool is_time_major = chance(3);
  const TensorId input =
      new_input(is_time_major ? Shape{steps, 1, features} : Shape{1, steps, features},
                random_quantization(0.05));
  graph_.tensor_info[input].rank = 3;
  op_.has_bias = true;
  GateConstants gates;
  for (ConstantId& id : gates.input) id = add_gate("input_weights", cells, features, 0.001);
  for (ConstantId& id : gates.recurrent) id = add_gate("recurrent_weights", cells, cells, 0.008);
  for (ConstantId& id : gates.bias) id = add_bias(cells, /*spread=*/20000);
  edit_details(graph_, op_).gates = gates;
  const double hidden_scale = (is_rare_ ? 0.25 : 1) / 128;
  const Quantization hidden = {static_cast<float>(hidden_scale * factor(0.5, 1)),
                               chance(2) ? 0 : between(-20, 20)};
  const int exponent = is_rare_ ? between(-30, 2) : between(-15, -9);
  const Quantization cell = {static_cast<float>(std::ldexp(1.0, exponent)), 0};
  if (chance(3)) {
    edit_details(graph_, op_).cell_clip =
        static_cast<float>(std::ldexp(factor(0, 1), exponent + 15));
  }
  const std::vector<TensorId> inputs = {input, add_state("hidden", cells, DataType::kInt8, hidden),
                                        add_state("cells", cells, DataType::kInt16, cell)};
  const Shape& shape = graph_.tensors[input].shape;
  finish(inputs, {shape.height, shape.width, cells}, hidden, /*rank=*/3);
}

}  // namespace mcunet::engine
