// Random layers that compute each value from itself, or from its row.
#include "random_graphs/random_graph.hpp"

namespace mcunet::engine {

// To or from float, between int8 and uint8, from one scale to another.
void RandomGraph::build_conversion() {
  const Shape shape = random_shape();
  const bool to_float = op_.kind == OpKind::kDequantize;
  constexpr std::array kTypes = {DataType::kInt8, DataType::kUint8, DataType::kFloat32};
  const DataType from = kTypes[random_.index(to_float ? 2 : 3)];
  const DataType to = to_float ? DataType::kFloat32 : kTypes[random_.index(2)];
  const auto quantization = [&](DataType type) {
    Quantization q = random_quantization();
    if (type == DataType::kFloat32) return Quantization{};
    if (type == DataType::kUint8) q.zero_point += 128;
    return q;
  };
  const TensorId input = add_input(graph_, shape, from);
  set_info(input, "input", quantization(from));
  set_info(append_op(graph_, op_, std::span(&input, 1), Tensor{shape, to}), "output",
           quantization(to));
}

void RandomGraph::build_unary() {
  const bool is_softmax = op_.kind == OpKind::kSoftmax;
  const bool has_rows = is_softmax || op_.kind == OpKind::kLogSoftmax;
  const Shape shape = has_rows ? Shape{1, between(1, 4), between(1, 40)} : random_shape();
  const Quantization from = random_quantization(has_rows ? 0.06 : 0.04);
  const TensorId input = new_input(shape, from);
  Quantization to = random_quantization(from.scale);
  if (op_.kind == OpKind::kRelu6) to = from;
  if (is_softmax || op_.kind == OpKind::kLogistic) to = {1.0F / 256, -128};
  if (op_.kind == OpKind::kTanh) to = {1.0F / 128, 0};
  if (op_.kind == OpKind::kLogSoftmax) to = {1.0F / 16, 127};
  if (is_softmax) edit_details(graph_, op_).beta = chance(2) ? 1.0F : 0.5F;
  if (op_.kind == OpKind::kLeakyRelu) {
    edit_details(graph_, op_).alpha = static_cast<float>(factor(chance(3) ? -1.5 : 0.01, 1.5));
  }
  finish({&input, 1}, shape, to);
}

// What has no negative values has a zero point of -128, but for rare forms. Ranges within which the functions
// neither vanish nor saturate all over.
void RandomGraph::build_real_function() {
  const Shape shape = random_shape();
  const bool is_exp = op_.kind == OpKind::kExp;
  Quantization from = random_quantization(is_exp ? 0.005 : 0.04);
  const bool is_root = op_.kind == OpKind::kRsqrt || op_.kind == OpKind::kSqrt;
  if (is_root && !is_rare_) from.zero_point = -128;
  const TensorId input = new_input(shape, from);
  edit_details(graph_, op_).is_approximate = op_.kind == OpKind::kGelu && chance(2);
  finish({&input, 1}, shape, random_quantization(is_exp ? 0.1 : 0.02));
}

void RandomGraph::build_neg() {
  const Quantization q = {random_quantization().scale, 0};
  const Shape shape = random_shape();
  const TensorId input = new_input(shape, q);
  finish({&input, 1}, shape, q);
}

void RandomGraph::build_softmax() { build_unary(); }
void RandomGraph::build_log_softmax() { build_unary(); }
void RandomGraph::build_relu() { build_unary(); }
void RandomGraph::build_relu6() { build_unary(); }
void RandomGraph::build_leaky_relu() { build_unary(); }
void RandomGraph::build_logistic() { build_unary(); }
void RandomGraph::build_tanh() { build_unary(); }
void RandomGraph::build_hard_swish() { build_unary(); }
void RandomGraph::build_gelu() { build_real_function(); }
void RandomGraph::build_elu() { build_real_function(); }
void RandomGraph::build_abs() { build_real_function(); }
void RandomGraph::build_rsqrt() { build_real_function(); }
void RandomGraph::build_sqrt() { build_real_function(); }
void RandomGraph::build_exp() { build_real_function(); }
void RandomGraph::build_log() { build_real_function(); }
void RandomGraph::build_relu_n1_to_1() { build_real_function(); }
void RandomGraph::build_relu_0_to_1() { build_real_function(); }
void RandomGraph::build_quantize() { build_conversion(); }
void RandomGraph::build_dequantize() { build_conversion(); }

}  // namespace mcunet::engine
