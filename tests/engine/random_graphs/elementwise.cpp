// Random layers of two operands.
#include <utility>

#include "random_graphs/random_graph.hpp"

namespace mcunet::engine {

// The shape itself, one value, one per channel, or one per pixel.
Shape RandomGraph::broadcasting(const Shape& shape) {
  const std::int32_t choice = between(0, 5);
  if (choice == 0) return {1, 1, 1};
  if (choice == 1) return {1, 1, shape.channels};
  if (choice == 2) return {shape.height, shape.width, 1};
  return shape;
}

void RandomGraph::build_binary() {
  const Shape shape = random_shape();
  const bool keeps = QuantizationRule(traits_of(op_.kind).quantization).keeps;
  const Quantization first = random_quantization();
  const bool is_prelu = op_.kind == OpKind::kPrelu;
  const bool may_clamp = !keeps && !is_prelu && op_.kind != OpKind::kSquaredDifference;
  const Quantization second = keeps ? first : random_quantization();
  const bool is_product = op_.kind == OpKind::kMul || op_.kind == OpKind::kSquaredDifference;
  const Quantization output =
      keeps ? first : random_quantization(is_product ? first.scale * second.scale * 60 : 0.03);
  if (may_clamp) choose_activation();
  Shape other = broadcasting(shape);
  Shape own = shape;
  if (is_rare_) {
    other = shape;
    for (Axis axis : {Axis::kHeight, Axis::kWidth, Axis::kChannels}) {
      if (chance(2)) along(chance(2) ? own : other, axis) = 1;
    }
  }
  std::vector<TensorId> inputs = {new_input(own, first)};
  if (chance(3)) {
    Constant operand;
    operand.name = "operand";
    operand.dims = {1, other.height, other.width, other.channels};
    operand.scales = {second.scale};
    operand.zero_point = second.zero_point;
    operand.data = random_bytes(operand.elements());
    graph_.constants.push_back(operand);
    OpDetails& details = edit_details(graph_, op_);
    details.operand = 0;
    details.operand_is_first = !is_prelu && chance(2);
  } else {
    inputs.push_back(new_input(other, second));
    if (!is_prelu && chance(2)) std::swap(inputs[0], inputs[1]);
  }
  finish(inputs, shape, output);
}

void RandomGraph::build_add() { build_binary(); }
void RandomGraph::build_sub() { build_binary(); }
void RandomGraph::build_mul() { build_binary(); }
void RandomGraph::build_maximum() { build_binary(); }
void RandomGraph::build_minimum() { build_binary(); }
void RandomGraph::build_prelu() { build_binary(); }
void RandomGraph::build_squared_difference() { build_binary(); }

}  // namespace mcunet::engine
