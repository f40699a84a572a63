// Random layers of two operands.
#include <algorithm>
#include <cmath>
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

ConstantId RandomGraph::add_operand(const Shape& shape, const Quantization& quantization) {
  Constant operand;
  operand.name = "operand";
  operand.dims = {1, shape.height, shape.width, shape.channels};
  operand.scales = {quantization.scale};
  operand.zero_point = quantization.zero_point;
  operand.data = random_bytes(operand.elements());
  graph_.constants.push_back(operand);
  return static_cast<ConstantId>(graph_.constants.size()) - 1;
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
    const ConstantId operand = add_operand(other, second);
    OpDetails& details = edit_details(graph_, op_);
    details.operand = operand;
    details.operand_is_first = !is_prelu && chance(2);
  } else {
    inputs.push_back(new_input(other, second));
    if (!is_prelu && chance(2)) std::swap(inputs[0], inputs[1]);
  }
  finish(inputs, shape, output);
}

// The second one may be transposed or constant; in the rare form either is one matrix for all of the other's.
void RandomGraph::build_batch_matmul() {
  const std::int32_t depth = between(1, 21);
  Shape a = {between(1, 4), between(1, 9), depth};
  Shape b = {a.height, depth, between(1, 9)};
  if (is_rare_) (chance(2) ? a : b).height = 1;
  const Shape output = {std::max(a.height, b.height), a.width, b.channels};
  OpDetails& details = edit_details(graph_, op_);
  details.is_transposed = chance(2);
  if (details.is_transposed) std::swap(b.width, b.channels);
  const Quantization first = random_quantization();
  const Quantization second = random_quantization();
  const Quantization to = random_quantization(first.scale * second.scale * 80 * std::sqrt(depth));
  if (!chance(3)) return finish(std::array{new_input(a, first), new_input(b, second)}, output, to);
  details.operand_is_first = chance(3);
  details.operand =
      add_operand(details.operand_is_first ? a : b, details.operand_is_first ? first : second);
  const TensorId input =
      new_input(details.operand_is_first ? b : a, details.operand_is_first ? second : first);
  finish({&input, 1}, output, to);
}

void RandomGraph::build_add() { build_binary(); }
void RandomGraph::build_sub() { build_binary(); }
void RandomGraph::build_mul() { build_binary(); }
void RandomGraph::build_maximum() { build_binary(); }
void RandomGraph::build_minimum() { build_binary(); }
void RandomGraph::build_prelu() { build_binary(); }
void RandomGraph::build_squared_difference() { build_binary(); }

}  // namespace mcunet::engine
