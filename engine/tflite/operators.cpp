#include "tflite/operators.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/shape_inference.hpp"

namespace mcunet::engine {
namespace {

std::int16_t narrow(std::int64_t value, const char* what) {
  if (value < 0 || value > std::numeric_limits<std::int16_t>::max()) {
    throw Error("a {} of {} is out of range", what, value);
  }
  return static_cast<std::int16_t>(value);
}

}  // namespace

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

TensorId TfliteOperators::activation(std::int32_t index) const {
  if (index < 0 || static_cast<std::size_t>(index) >= activations_.size()) {
    throw Error("there is no tensor {}", index);
  }
  if (activations_[index] != kNoId) return activations_[index];
  throw Error("{}: {}", tensors_.describe(index),
              tensors_.is_constant(index) ? "a constant is not supported here"
                                          : "is used before it is produced");
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
  const auto rank = static_cast<std::int32_t>(tensors_.dims(input(0)).size());
  if (axis < -rank || axis >= rank) throw Error("axis {} of {} dimensions", axis, rank);
  return (axis < 0 ? axis + rank : axis) + 3 - rank;
}

template <typename Options>
const Options& TfliteOperators::options() const {
  const auto* options = source_->builtin_options_as<Options>();
  if (options == nullptr) throw Error("its options are missing");
  return *options;
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
  const auto row = std::find_if(kRows.begin(), kRows.end(),
                                [code](const Row& some) { return some.code == code; });
  if (row == kRows.end()) throw Error("the operator is not supported");
  source_ = &source;
  op_ = {};
  op_.kind = static_cast<OpKind>(row - kRows.begin());
  op_.has_bias = false;
  (this->*row->read)();
}

void TfliteOperators::set_weights() {
  require_inputs(2, 3);
  details().weights = constant(input(1));
  op_.has_bias = has_input(2);
  if (op_.has_bias) details().bias = constant(input(2));
}

void TfliteOperators::set_kernel(std::int32_t height, std::int32_t width) {
  op_.window.kernel_height = narrow(height, "kernel height");
  op_.window.kernel_width = narrow(width, "kernel width");
}

void TfliteOperators::set_strides(tflite::Padding padding, std::int32_t height,
                                  std::int32_t width) {
  Window& w = op_.window;
  w.stride_height = narrow(height, "stride");
  w.stride_width = narrow(width, "stride");
  if (w.stride_height < 1 || w.stride_width < 1) throw Error("a stride is 0");
  if (padding == tflite::Padding_VALID) return;
  if (padding != tflite::Padding_SAME) throw Error("padding {} is unknown", int{padding});
  w.padding = same_padding(w, graph_.tensors[activation(input(0))].shape);
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
  }
  throw Error("fused activation {} is not supported", static_cast<int>(activation));
}

void TfliteOperators::append(std::vector<TensorId> inputs) {
  tensors_.charge(inputs.size() * sizeof(TensorId));
  const std::int32_t index = output();
  const Tensor tensor = tensors_.activation(index);
  if (activations_[index] != kNoId) {
    throw Error("{}: is produced twice", tensors_.describe(index));
  }
  activations_[index] = append_op(graph_, op_, inputs, tensor);
  edit_info(graph_, activations_[index]) = tensors_.info(index);
}

void TfliteOperators::read_conv_2d() {
  const auto& o = options<tflite::Conv2DOptions>();
  set_weights();
  const std::vector<std::int32_t> dims = tensors_.dims(input(1));
  if (dims.size() != 4) throw Error("its weights have {} dimensions", dims.size());
  set_kernel(dims[1], dims[2]);
  op_.window.dilation_height = narrow(o.dilation_h(), "dilation");
  op_.window.dilation_width = narrow(o.dilation_w(), "dilation");
  set_strides(o.padding(), o.stride_h(), o.stride_w());
  set_activation(o.activation());
  append({activation(input(0))});
}

void TfliteOperators::read_depthwise_conv_2d() {
  const auto& o = options<tflite::DepthwiseConv2DOptions>();
  set_weights();
  const std::vector<std::int32_t> dims = tensors_.dims(input(1));
  if (dims.size() != 4) throw Error("its weights have {} dimensions", dims.size());
  set_kernel(dims[1], dims[2]);
  op_.window.dilation_height = narrow(o.dilation_h(), "dilation");
  op_.window.dilation_width = narrow(o.dilation_w(), "dilation");
  set_strides(o.padding(), o.stride_h(), o.stride_w());
  set_activation(o.activation());
  const TensorId source = activation(input(0));
  const std::int64_t channels = graph_.tensors[source].shape.channels;
  if (o.depth_multiplier() != 0 && o.depth_multiplier() * channels != dims[3]) {
    throw Error("a depth multiplier of {} contradicts its weights", o.depth_multiplier());
  }
  append({source});
}

void TfliteOperators::read_fully_connected() {
  const auto& o = options<tflite::FullyConnectedOptions>();
  if (o.weights_format() != 0) throw Error("its weights are shuffled, which is not supported");
  set_weights();
  set_activation(o.activation());
  append({activation(input(0))});
}

void TfliteOperators::read_average_pool_2d() { read_pool(); }
void TfliteOperators::read_max_pool_2d() { read_pool(); }

void TfliteOperators::read_pool() {
  const auto& o = options<tflite::Pool2DOptions>();
  require_inputs(1, 1);
  set_kernel(o.filter_h(), o.filter_w());
  set_strides(o.padding(), o.stride_h(), o.stride_w());
  set_activation(o.activation());
  append({activation(input(0))});
}

void TfliteOperators::read_add() { read_binary(options<tflite::AddOptions>().activation()); }
void TfliteOperators::read_sub() { read_binary(options<tflite::SubOptions>().activation()); }
void TfliteOperators::read_mul() { read_binary(options<tflite::MulOptions>().activation()); }

void TfliteOperators::read_binary(tflite::ActivationFunction function) {
  require_inputs(2, 2);
  set_activation(function);
  const bool is_first = tensors_.is_constant(input(0));
  if (!is_first && !tensors_.is_constant(input(1))) {
    return append({activation(input(0)), activation(input(1))});
  }
  details().operand = constant(input(is_first ? 0 : 1));
  details().operand_is_first = is_first;
  append({activation(input(is_first ? 1 : 0))});
}

void TfliteOperators::read_mean() {
  require_inputs(2, 2);
  const TensorId source = activation(input(0));
  std::array<bool, 4> reduced = {};  // the batch first
  for (std::int32_t axis : tensors_.integers(input(1))) reduced[resolve_axis(axis) + 1] = true;
  std::copy(reduced.begin() + 1, reduced.end(), details().reduced.begin());
  const auto rank = tensors_.dims(input(0)).size();
  const auto removed = options<tflite::ReducerOptions>().keep_dims()
                           ? 0
                           : std::count(reduced.begin(), reduced.end(), true);
  if (tensors_.dims(output()).size() != rank - static_cast<std::size_t>(removed)) {
    throw Error("{}: has {} dimensions", tensors_.describe(output()),
                tensors_.dims(output()).size());
  }
  append({source});
}

void TfliteOperators::read_pad() {
  require_inputs(2, 2);
  const TensorId source = activation(input(0));
  const std::vector<std::int32_t> paddings = tensors_.integers(input(1));
  const auto rank = static_cast<int>(tensors_.dims(input(0)).size());
  if (paddings.size() != 2 * static_cast<std::size_t>(rank)) {
    throw Error("{}: has {} values", tensors_.describe(input(1)), paddings.size());
  }
  std::array<std::int32_t, 8> all = {};  // before and after batch, height, width, channels
  std::copy(paddings.begin(), paddings.end(), all.end() - 2 * rank);
  if (all[0] != 0 || all[1] != 0) throw Error("padding of the batch is not supported");
  op_.window.padding = {narrow(all[2], "padding"), narrow(all[3], "padding"),
                        narrow(all[4], "padding"), narrow(all[5], "padding")};
  details().channels_before = all[6];
  details().channels_after = all[7];
  append({source});
}

void TfliteOperators::read_reshape() {
  require_inputs(1, 2);
  if (has_input(1)) {
    const std::vector<std::int32_t> dims = tensors_.dims(output());
    const std::vector<std::int32_t> requested = tensors_.integers(input(1));
    const auto agrees = [](auto wanted, auto dim) { return wanted == dim || wanted == -1; };
    if (!std::equal(requested.begin(), requested.end(), dims.begin(), dims.end(), agrees)) {
      throw Error("{}: contradicts the shape of the output", tensors_.describe(input(1)));
    }
  }
  append({activation(input(0))});
}

void TfliteOperators::read_softmax() {
  require_inputs(1, 1);
  details().beta = options<tflite::SoftmaxOptions>().beta();
  append({activation(input(0))});
}

void TfliteOperators::read_concatenation() {
  const auto& o = options<tflite::ConcatenationOptions>();
  if (o.activation() != tflite::ActivationFunction_NONE) {
    throw Error("a fused activation is not supported");
  }
  const int axis = resolve_axis(o.axis());
  if (axis < 0) throw Error("concatenation along the batch is not supported");
  details().axis = static_cast<Axis>(axis);
  std::vector<TensorId> inputs;
  for (std::uint32_t i = 0; i < input_count(); ++i) inputs.push_back(activation(input(i)));
  append(std::move(inputs));
}

void TfliteOperators::read_resize_nearest_neighbor() {
  const auto& o = options<tflite::ResizeNearestNeighborOptions>();
  require_inputs(2, 2);
  details().align_corners = o.align_corners();
  details().half_pixel_centers = o.half_pixel_centers();
  const Shape shape = tensors_.activation(output()).shape;
  if (tensors_.integers(input(1)) != std::vector<std::int32_t>{shape.height, shape.width}) {
    throw Error("{}: contradicts the shape of the output", tensors_.describe(input(1)));
  }
  append({activation(input(0))});
}

void TfliteOperators::read_transpose() {
  require_inputs(2, 2);
  const TensorId source = activation(input(0));
  std::vector<std::int32_t> axes = tensors_.integers(input(1));
  const auto rank = static_cast<std::int32_t>(tensors_.dims(input(0)).size());
  if (static_cast<std::int32_t>(axes.size()) != rank) {
    throw Error("{}: has {} values", tensors_.describe(input(1)), axes.size());
  }
  std::array<std::int32_t, 4> all = {-1, 0, 1, 2};  // the batch first, which counts as -1
  for (std::int32_t i = 0; i < rank; ++i) all[4 - rank + i] = resolve_axis(axes[i]);
  // The batch has one element, so has what takes its place: they change places for free.
  const auto batch = std::find(all.begin(), all.end(), -1);
  if (batch == all.end()) throw Error("its permutation is none");
  std::iter_swap(batch, all.begin());
  for (int i = 0; i < 3; ++i) details().permutation[i] = static_cast<std::int8_t>(all[i + 1]);
  append({source});
}

void TfliteOperators::read_relu() { read_unary(); }
void TfliteOperators::read_relu6() { read_unary(); }
void TfliteOperators::read_logistic() { read_unary(); }
void TfliteOperators::read_hard_swish() { read_unary(); }
void TfliteOperators::read_quantize() { read_unary(); }
void TfliteOperators::read_dequantize() { read_unary(); }

void TfliteOperators::read_unary() {
  require_inputs(1, 1);
  append({activation(input(0))});
}

}  // namespace mcunet::engine
