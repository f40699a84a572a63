#include "tflite/operators.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <utility>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/operator_table.hpp"
#include "mcunet/engine/graph/shape_inference.hpp"
#include "tflite/remedies.hpp"

namespace mcunet::engine {
void TfliteOperators::add_graph_input(std::int32_t index) {
  const Tensor tensor = tensors_.activation(index);
  if (activations_[index] != kNoId) throw Error("{}: is an input twice", tensors_.describe(index));
  activations_[index] = add_input(graph_, tensor.shape, tensor.type);
  edit_info(graph_, activations_[index]) = tensors_.info(index);
}

void TfliteOperators::add_graph_output(std::int32_t index) {
  tensors_.activation(index);
  graph_.outputs.push_back(activation(index));
}

void TfliteOperators::add_placeholders(const tflite::Operator& source) {
  if (source.outputs() == nullptr) return;
  for (std::int32_t index : *source.outputs()) {
    if (index < 0 || static_cast<std::size_t>(index) >= activations_.size()) continue;
    if (activations_[index] != kNoId) continue;
    unknown_.insert(index);
    try {
      const Tensor tensor = tensors_.activation(index);
      if (tensor.type != DataType::kInt32 && !tensors_.has_open_dims(index)) unknown_.erase(index);
      const TensorInfo info = tensors_.info(index);
      activations_[index] = static_cast<TensorId>(graph_.tensors.size());
      graph_.tensors.push_back(tensor);
      edit_info(graph_, activations_[index]) = info;
    } catch (const Error&) {
      // What uses it will complain of it.
    }
  }
}

bool TfliteOperators::follows_unknown(const tflite::Operator& source) const {
  const auto* inputs = source.inputs();
  return inputs != nullptr && std::any_of(inputs->begin(), inputs->end(),
                                          [this](auto index) { return unknown_.contains(index); });
}

TensorId TfliteOperators::activation(std::int32_t index) const {
  if (index < 0 || static_cast<std::size_t>(index) >= activations_.size()) {
    throw Error("there is no tensor {}", index);
  }
  if (activations_[index] != kNoId) return activations_[index];
  if (negated_.contains(index)) {
    throw Error("{}: is negated in float, which is not supported here", tensors_.describe(index));
  }
  if (parts_.contains(index)) {
    throw Error("{}: is a map in parts, of which only convolutions are supported",
                tensors_.describe(index));
  }
  const bool is_known = tensors_.is_constant(index) || tensors_.has_integers(index);
  throw Error("{}: {}", tensors_.describe(index),
              is_known ? "a constant is not supported here" : "is used before it is produced");
}

ConstantId TfliteOperators::constant(std::int32_t index) {
  Constant constant = {};
  if (index >= 0 && static_cast<std::size_t>(index) < constants_.size() &&
      constants_[index] != kNoId) {
    return constants_[index];
  }
  constant = tensors_.constant(index);
  constants_[index] = static_cast<ConstantId>(graph_.constants.size());
  graph_.constants.push_back(std::move(constant));
  return constants_[index];
}

std::uint32_t TfliteOperators::input_count() const {
  return source_->inputs() == nullptr ? 0 : source_->inputs()->size();
}

bool TfliteOperators::has_input(std::uint32_t position) const {
  return position < input_count() && source_->inputs()->Get(position) != -1;
}

std::int32_t TfliteOperators::input(std::uint32_t position) const {
  if (!has_input(position)) throw Error("input {} is missing", position);
  if (joined_ != nullptr && position == 0) return joined_->whole;
  return source_->inputs()->Get(position);
}

void TfliteOperators::require_inputs(std::uint32_t least, std::uint32_t most) const {
  if (input_count() < least || input_count() > most) throw Error("has {} inputs", input_count());
}

std::int32_t TfliteOperators::output() const {
  const auto* outputs = source_->outputs();
  if (outputs == nullptr || outputs->size() != 1) throw Error("does not have one output");
  return outputs->Get(0);
}

int TfliteOperators::resolve_axis(std::int32_t axis) const {
  tensors_.require_map(input(0));
  const auto rank = static_cast<std::int32_t>(tensors_.dims(input(0)).size());
  if (axis < -rank || axis >= rank) throw Error("axis {} of {} dimensions", axis, rank);
  return (axis < 0 ? axis + rank : axis) + 3 - rank;
}

void TfliteOperators::read(const tflite::Operator& source, tflite::BuiltinOperator code) {
  struct Row {
    tflite::BuiltinOperator code;
    void (TfliteOperators::*read)();
  };
  static constexpr std::array<Row, kOpKinds> kRows = {{
#define OPERATOR(kind, stem, code, ...) \
  {tflite::BuiltinOperator_##code, &TfliteOperators::read_##stem},
#include "mcunet/engine/graph/operators.inc"
  }};
  // What the graph expresses by operators of the table.
  static constexpr std::array kComposed = {
      Row{tflite::BuiltinOperator_EXPAND_DIMS, &TfliteOperators::read_expand_dims},
      Row{tflite::BuiltinOperator_SQUEEZE, &TfliteOperators::read_squeeze},
      Row{tflite::BuiltinOperator_CAST, &TfliteOperators::read_identity},
      Row{tflite::BuiltinOperator_PACK, &TfliteOperators::read_pack},
      Row{tflite::BuiltinOperator_UNPACK, &TfliteOperators::read_unpack},
      Row{tflite::BuiltinOperator_SLICE, &TfliteOperators::read_slice},
      Row{tflite::BuiltinOperator_SPLIT, &TfliteOperators::read_split},
      Row{tflite::BuiltinOperator_SPLIT_V, &TfliteOperators::read_split_v},
      Row{tflite::BuiltinOperator_TILE, &TfliteOperators::read_tile},
      Row{tflite::BuiltinOperator_PADV2, &TfliteOperators::read_padv2},
      Row{tflite::BuiltinOperator_DEPTH_TO_SPACE, &TfliteOperators::read_depth_to_space},
      Row{tflite::BuiltinOperator_SPACE_TO_DEPTH, &TfliteOperators::read_space_to_depth},
      Row{tflite::BuiltinOperator_SPACE_TO_BATCH_ND, &TfliteOperators::read_space_to_batch_nd},
      Row{tflite::BuiltinOperator_BATCH_TO_SPACE_ND, &TfliteOperators::read_batch_to_space_nd},
      Row{tflite::BuiltinOperator_REVERSE_V2, &TfliteOperators::read_reverse},
      Row{tflite::BuiltinOperator_CALL_ONCE, &TfliteOperators::read_call_once},
      Row{tflite::BuiltinOperator_VAR_HANDLE, &TfliteOperators::read_var_handle},
      Row{tflite::BuiltinOperator_READ_VARIABLE, &TfliteOperators::read_read_variable},
      Row{tflite::BuiltinOperator_ASSIGN_VARIABLE, &TfliteOperators::read_assign_variable},
  };
  source_ = &source;
  joined_ = nullptr;
  op_ = {};
  op_.has_bias = false;
  if (fold(code) || takes_parts(code)) return;
  const auto has_code = [code](const Row& row) { return row.code == code; };
  if (const auto row = std::ranges::find_if(kRows, has_code); row != kRows.end()) {
    op_.kind = static_cast<OpKind>(row - kRows.begin());
    return (this->*row->read)();
  }
  const auto row = std::ranges::find_if(kComposed, has_code);
  if (row == kComposed.end()) throw UnknownOperator("is not supported: {}", remedy_for(code));
  (this->*row->read)();
}

void TfliteOperators::set_activation(tflite::ActivationFunction activation) {
  switch (activation) {
    case tflite::ActivationFunction_NONE:
      op_.activation = Activation::kNone;
      return;
    case tflite::ActivationFunction_RELU:
      op_.activation = Activation::kRelu;
      return;
    case tflite::ActivationFunction_RELU6:
      op_.activation = Activation::kRelu6;
      return;
    case tflite::ActivationFunction_RELU_N1_TO_1:
      op_.activation = Activation::kReluN1To1;
      return;
    case tflite::ActivationFunction_TANH:
      break;
  }
  throw Error("fused activation {} is not supported", static_cast<int>(activation));
}

void TfliteOperators::append(std::vector<TensorId> inputs) { append(std::move(inputs), output()); }

void TfliteOperators::append(std::vector<TensorId> inputs, std::int32_t index) {
  tensors_.charge(inputs.size() * sizeof(TensorId));
  const Tensor tensor = tensors_.activation(index);
  if (activations_[index] != kNoId) {
    throw Error("{}: is produced twice", tensors_.describe(index));
  }
  const TensorId id = append_op(graph_, op_, inputs, tensor);
  if (tensors_.has_open_dims(index)) {
    infer_open_dims(index);
    graph_.tensors[id] = tensors_.activation(index);
  }
  activations_[index] = id;
  edit_info(graph_, id) = tensors_.info(index);
}

// Of the output of the operator that was added last.
void TfliteOperators::infer_open_dims(std::int32_t index) {
  const Op& op = graph_.ops.back();
  const OperatorTraits& traits = traits_of(op.kind);
  std::int32_t channels = 0;
  if (has_weights(op)) {
    const auto& filters = graph_.constants[graph_.details_of(op).weights].dims;
    channels = traits.weights == WeightOrder::kOutputLast ? filters.back() : filters.front();
  }
  const Shape shape = traits.shape(graph_, op, channels);
  std::vector<std::int32_t> dims = tensors_.dims(input(0));
  if (shape != graph_.input_of(op).shape || dims.size() != tensors_.dims(index).size()) {
    dims = {1, shape.height, shape.width, shape.channels};
    const std::size_t rank = std::min(tensors_.dims(index).size(), dims.size());
    dims.erase(dims.begin(), dims.end() - static_cast<std::ptrdiff_t>(rank));
  }
  tensors_.set_dims(index, dims);
}

void TfliteOperators::settle_dims(std::int32_t index, std::vector<std::int32_t> dims) {
  if (tensors_.has_open_dims(index)) return tensors_.set_dims(index, std::move(dims));
  if (tensors_.activation(index).shape != view_of(tensors_.checked_dims(index, dims))) {
    throw Error("{}: its shape is not {}", tensors_.describe(index), fmt::join(dims, "x"));
  }
}

bool TfliteOperators::fold(tflite::BuiltinOperator code) {
  const bool is_of_dims =
      code == tflite::BuiltinOperator_SHAPE || code == tflite::BuiltinOperator_RANK;
  const IntegerEvaluator evaluate = integer_evaluator(code);
  if (!is_of_dims && evaluate == nullptr) return false;
  std::vector<IntegerTensor> results;
  if (is_of_dims) {
    const std::vector<std::int32_t> dims = tensors_.dims(input(0));
    const auto rank = static_cast<std::int32_t>(dims.size());
    results = {code == tflite::BuiltinOperator_RANK
                   ? IntegerTensor{{}, {rank}}
                   : IntegerTensor{{rank}, {dims.begin(), dims.end()}}};
  } else {
    FoldedCall call{*source_, {}};
    for (std::uint32_t i = 0; i < input_count(); ++i) {
      if (!has_input(i) || !tensors_.has_integers(input(i))) return false;
      call.inputs.push_back(tensors_.integers(input(i)));
    }
    results = evaluate(call);
  }
  const auto* outputs = source_->outputs();
  if (outputs == nullptr || outputs->size() != results.size()) {
    throw Error("does not have {} outputs", results.size());
  }
  for (std::size_t i = 0; i < results.size(); ++i) {
    tensors_.set_integers(outputs->Get(static_cast<std::uint32_t>(i)), std::move(results[i]));
  }
  return true;
}

void TfliteOperators::read_add() { read_binary(options<tflite::AddOptions>().activation()); }
void TfliteOperators::read_sub() { read_binary(options<tflite::SubOptions>().activation()); }
void TfliteOperators::read_mul() { read_binary(options<tflite::MulOptions>().activation()); }

// Two tensors broadcast as their views do, unless dimensions that differ count as height.
void TfliteOperators::require_same_broadcast(std::int32_t first, std::int32_t second) const {
  if (tensors_.is_map(first) && tensors_.is_map(second)) return;
  const std::vector<std::int32_t> dims = tensors_.dims(first);
  const std::vector<std::int32_t> other = tensors_.dims(second);
  const auto is_flat = [](const std::vector<std::int32_t>& sizes) {
    return sizes.size() <= 2 ||
           std::all_of(sizes.begin(), sizes.end() - 2, [](std::int32_t size) { return size == 1; });
  };
  if (dims == other || is_flat(dims) || is_flat(other)) return;
  throw Error("operands of {} and {} are not supported, only with a batch of 1",
              fmt::join(dims, "x"), fmt::join(other, "x"));
}

void TfliteOperators::read_binary(tflite::ActivationFunction function) {
  require_inputs(2, 2);
  set_activation(function);
  require_same_broadcast(input(0), input(1));
  const bool is_first = tensors_.is_constant(input(0));
  if (!is_first && !tensors_.is_constant(input(1))) {
    return append({activation(input(0)), activation(input(1))});
  }
  details().operand = constant(input(is_first ? 0 : 1));
  details().operand_is_first = is_first;
  append({activation(input(is_first ? 1 : 0))});
}

void TfliteOperators::read_prelu() {
  require_inputs(2, 2);
  activation(input(0));
  read_binary(tflite::ActivationFunction_NONE);
}

void TfliteOperators::read_squared_difference() { read_binary(tflite::ActivationFunction_NONE); }

// Matrices are the last two dimensions, and as many as the others say. A first one that is transposed becomes so
// by an operator of its own.
void TfliteOperators::read_batch_matmul() {
  require_inputs(2, 2);
  const auto& o = options<tflite::BatchMatMulOptions>();
  std::array<std::vector<std::int32_t>, 2> dims = {tensors_.dims(input(0)),
                                                   tensors_.dims(input(1))};
  std::array<std::vector<std::int32_t>, 2> batches;
  for (std::size_t i = 0; i < 2; ++i) {
    if (dims[i].size() < 2) throw Error("{}: is no matrix", tensors_.describe(input(i)));
    const auto first =
        std::find_if(dims[i].begin(), dims[i].end() - 2, [](auto n) { return n != 1; });
    batches[i] = {first, dims[i].end() - 2};
  }
  if (batches[0] != batches[1] && !batches[0].empty() && !batches[1].empty()) {
    throw Error(
        "matrices of {} and {} are not supported, only as many on both sides, or one for all",
        fmt::join(dims[0], "x"), fmt::join(dims[1], "x"));
  }
  std::vector<std::int32_t> result = dims[dims[0].size() < dims[1].size() ? 1 : 0];
  std::copy_backward(batches[batches[0].empty() ? 1 : 0].begin(),
                     batches[batches[0].empty() ? 1 : 0].end(), result.end() - 2);
  result.end()[-2] = dims[0].end()[o.adj_x() ? -1 : -2];
  result.end()[-1] = dims[1].end()[o.adj_y() ? -2 : -1];
  settle_dims(output(), result);
  const bool is_first = tensors_.is_constant(input(0));
  if (is_first && o.adj_x()) {
    throw Error("{}: is constant and transposed, which is not supported",
                tensors_.describe(input(0)));
  }
  std::vector<TensorId> matrices;
  if (!is_first) matrices.push_back(activation(input(0)));
  if (o.adj_x()) matrices[0] = transposed(matrices[0]);
  details().is_transposed = o.adj_y();
  if (is_first || tensors_.is_constant(input(1))) {
    details().operand = constant(input(is_first ? 0 : 1));
    details().operand_is_first = is_first;
  }
  if (is_first || details().operand == kNoId) matrices.push_back(activation(input(1)));
  append(std::move(matrices));
}

// Rows for columns, in each matrix.
TensorId TfliteOperators::transposed(TensorId matrices) {
  const Shape& shape = graph_.tensors[matrices].shape;
  const Shape exchanged = {shape.height, shape.channels, shape.width};
  Op op{.kind = OpKind::kTranspose, .has_bias = false};
  edit_details(graph_, op).permutation = {0, 2, 1};
  return append_between(op, {matrices}, exchanged);
}

void TfliteOperators::read_mean() { read_reduction(); }
void TfliteOperators::read_sum() { read_reduction(); }
void TfliteOperators::read_reduce_max() { read_reduction(); }
void TfliteOperators::read_reduce_min() { read_reduction(); }

void TfliteOperators::read_reduction() {
  require_inputs(2, 2);
  tensors_.require_map(input(0));
  const TensorId source = activation(input(0));
  std::array<bool, 4> reduced = {};  // the batch first
  for (std::int32_t axis : tensors_.short_integers(input(1)))
    reduced[resolve_axis(axis) + 1] = true;
  std::copy(reduced.begin() + 1, reduced.end(), details().reduced.begin());
  const bool keeps = options<tflite::ReducerOptions>().keep_dims();
  std::vector<std::int32_t> dims;
  const std::vector<std::int32_t> from = tensors_.dims(input(0));
  for (std::size_t i = 0; i < from.size(); ++i) {
    const bool is_reduced = reduced[reduced.size() - from.size() + i];
    if (keeps || !is_reduced) dims.push_back(is_reduced ? 1 : from[i]);
  }
  settle_dims(output(), dims);
  if (tensors_.dims(output()).size() != dims.size()) {
    throw Error("{}: has {} dimensions", tensors_.describe(output()),
                tensors_.dims(output()).size());
  }
  append({source});
}

void TfliteOperators::read_softmax() {
  require_inputs(1, 1);
  details().beta = options<tflite::SoftmaxOptions>().beta();
  append({activation(input(0))});
}

void TfliteOperators::read_resize_nearest_neighbor() {
  read_resize(options<tflite::ResizeNearestNeighborOptions>());
}

void TfliteOperators::read_resize_bilinear() {
  read_resize(options<tflite::ResizeBilinearOptions>());
}

template <typename Options>
void TfliteOperators::read_resize(const Options& o) {
  require_inputs(2, 2);
  tensors_.require_map(input(0));
  details().align_corners = o.align_corners();
  details().half_pixel_centers = o.half_pixel_centers();
  const TensorId source = activation(input(0));
  const std::vector<std::int32_t> size = tensors_.short_integers(input(1));
  if (size.size() != 2) throw Error("{}: has {} values", tensors_.describe(input(1)), size.size());
  settle_dims(output(), {1, size[0], size[1], graph_.tensors[source].shape.channels});
  append({source});
}

void TfliteOperators::read_maximum() { read_binary(tflite::ActivationFunction_NONE); }
void TfliteOperators::read_minimum() { read_binary(tflite::ActivationFunction_NONE); }

void TfliteOperators::read_leaky_relu() {
  details().alpha = options<tflite::LeakyReluOptions>().alpha();
  read_unary();
}

void TfliteOperators::read_gelu() {
  details().is_approximate = options<tflite::GeluOptions>().approximate();
  read_unary();
}

void TfliteOperators::read_relu() { read_unary(); }
void TfliteOperators::read_relu6() { read_unary(); }
void TfliteOperators::read_logistic() { read_unary(); }
void TfliteOperators::read_tanh() { read_unary(); }
void TfliteOperators::read_log_softmax() { read_unary(); }
void TfliteOperators::read_hard_swish() { read_unary(); }
void TfliteOperators::read_elu() { read_unary(); }
void TfliteOperators::read_abs() { read_unary(); }
void TfliteOperators::read_rsqrt() { read_unary(); }
void TfliteOperators::read_sqrt() { read_unary(); }
void TfliteOperators::read_exp() { read_unary(); }
void TfliteOperators::read_log() { read_unary(); }
void TfliteOperators::read_relu_n1_to_1() { read_unary(); }
void TfliteOperators::read_relu_0_to_1() { read_unary(); }
void TfliteOperators::read_dequantize() { read_unary(); }

// TensorFlow, which knows no NEG of int8, writes one of float between conversions. It becomes a product, and the
// conversion before it is not needed.
void TfliteOperators::read_neg() {
  require_inputs(1, 1);
  const TensorId source = activation(input(0));
  // The conversion added the last operator and, unless a variable came in between, the last tensor.
  const bool follows_conversion = !graph_.ops.empty() &&
                                  graph_.ops.back().kind == OpKind::kDequantize &&
                                  graph_.ops.back().output == source &&
                                  static_cast<std::size_t>(source) + 1 == graph_.tensors.size();
  if (!follows_conversion) return append({source});
  const std::int32_t result = output();
  tensors_.activation(result);
  negated_[result] = graph_.inputs_of(graph_.ops.back())[0];
  graph_.op_inputs.pop_back();
  graph_.ops.pop_back();
  graph_.tensors.pop_back();
  graph_.tensor_info.resize(graph_.tensors.size());
  activations_[input(0)] = kNoId;
}

void TfliteOperators::read_quantize() {
  require_inputs(1, 1);
  const auto negated = negated_.find(input(0));
  if (negated == negated_.end()) return read_unary();
  const Quantization& from = graph_.info_of(negated->second).quantization;
  if (tensors_.info(output()).quantization.scale != from.scale) {
    throw Error("{}: is a negated tensor with another scale than that, which is not supported",
                tensors_.describe(output()));
  }
  op_.kind = OpKind::kMul;
  details().operand = static_cast<ConstantId>(graph_.constants.size());
  graph_.constants.push_back({.name = "minus_one", .scales = {1}, .data = {std::byte{0xff}}});
  append({negated->second});
}

void TfliteOperators::read_unary() {
  require_inputs(1, 1);
  append({activation(input(0))});
}

}  // namespace mcunet::engine
