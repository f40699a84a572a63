// Operators with weights or windows: convolutions, fully connected layers, pools, padding.
#include <algorithm>
#include <array>
#include <limits>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/shape_inference.hpp"
#include "tflite/grouped_convolution.hpp"
#include "tflite/operators.hpp"

namespace mcunet::engine {

std::int16_t narrow(std::int64_t value, const char* what) {
  if (value < 0 || value > std::numeric_limits<std::int16_t>::max()) {
    throw Error("a {} of {} is out of range", what, value);
  }
  return static_cast<std::int16_t>(value);
}

void TfliteOperators::set_weights(ConstantId weights) {
  require_inputs(2, 3);
  details().weights = weights;
  op_.weight_bits = graph_.constants[weights].type == DataType::kInt4 ? 4 : 8;
  op_.has_bias = has_input(2);
  if (op_.has_bias) details().bias = constant(input(2));
}

void TfliteOperators::set_kernel(std::int32_t height, std::int32_t width) {
  op_.window.kernel_height = narrow(height, "kernel height");
  op_.window.kernel_width = narrow(width, "kernel width");
}

void TfliteOperators::set_strides(tflite::Padding padding, std::int32_t height,
                                  std::int32_t width) {
  set_strides(padding, height, width, graph_.tensors[activation(input(0))].shape);
}

void TfliteOperators::set_strides(tflite::Padding padding, std::int32_t height, std::int32_t width,
                                  const Shape& under) {
  Window& w = op_.window;
  w.stride_height = narrow(height, "stride");
  w.stride_width = narrow(width, "stride");
  if (w.stride_height < 1 || w.stride_width < 1) throw Error("a stride is 0");
  if (padding == tflite::Padding_VALID) return;
  if (padding != tflite::Padding_SAME) throw Error("padding {} is unknown", int{padding});
  w.padding = same_padding(w, under);
}

// Images of a batch lie below each other, as one map, whose windows must not reach from one into the next.
void TfliteOperators::require_images_apart() const {
  const Window& w = op_.window;
  const std::vector<std::int32_t> dims = tensors_.dims(input(0));
  const bool is_apart = dims.size() == 4 && w.extent_height() <= w.stride_height &&
                        dims[1] % w.stride_height == 0 && w.padding.top + w.padding.bottom == 0;
  if (!is_apart) tensors_.require_map(input(0));
}

template <typename Options>
void TfliteOperators::set_window(const Options& o) {
  Window& w = op_.window;
  w.dilation_height = narrow(o.dilation_h(), "dilation");
  w.dilation_width = narrow(o.dilation_w(), "dilation");
  if (joined_ == nullptr) {
    set_strides(o.padding(), o.stride_h(), o.stride_w());
    return require_images_apart();
  }
  if (w.dilation_height != 1 || w.dilation_width != 1 || o.stride_h() != 1 || o.stride_w() != 1 ||
      o.padding() != tflite::Padding_VALID) {
    throw Error(
        "of a map in parts only convolutions without strides, dilation and padding are supported");
  }
  w.dilation_height = joined_->block_height;
  w.dilation_width = joined_->block_width;
  w.padding = joined_->padding;
}

void TfliteOperators::append_convolution() {
  append({activation(input(0))}, joined_ == nullptr ? output() : joined_output_);
}

void TfliteOperators::read_conv_2d() {
  const auto& o = options<tflite::Conv2DOptions>();
  const TensorId source = activation(input(0));
  const std::vector<std::int32_t> dims = tensors_.dims(input(1));
  if (dims.size() != 4) throw Error("its weights have {} dimensions", dims.size());
  const std::int32_t channels = graph_.tensors[source].shape.channels;
  if (channels == dims[3]) {
    set_weights(constant(input(1)));
  } else {
    set_weights(add_ungrouped(channels));
  }
  set_kernel(dims[1], dims[2]);
  set_window(o);
  set_activation(o.activation());
  append_convolution();
}

// The weights of a convolution in groups as those of a full one.
ConstantId TfliteOperators::add_ungrouped(std::int32_t input_channels) {
  const Constant grouped = tensors_.constant(input(1));
  tensors_.charge(static_cast<std::size_t>(grouped.elements() / grouped.dims[3] * input_channels));
  graph_.constants.push_back(ungrouped_weights(grouped, input_channels));
  return static_cast<ConstantId>(graph_.constants.size()) - 1;
}

// Its inputs are the output's shape, the weights, the tensor and the bias.
void TfliteOperators::read_transpose_conv() {
  const auto& o = options<tflite::TransposeConvOptions>();
  require_inputs(3, 4);
  tensors_.require_map(input(2));
  settle_dims(output(), tensors_.short_integers(input(0)));
  details().weights = constant(input(1));
  op_.has_bias = has_input(3);
  if (op_.has_bias) details().bias = constant(input(3));
  const std::vector<std::int32_t> dims = tensors_.dims(input(1));
  if (dims.size() != 4) throw Error("its weights have {} dimensions", dims.size());
  set_kernel(dims[1], dims[2]);
  set_strides(o.padding(), o.stride_h(), o.stride_w(), tensors_.activation(output()).shape);
  set_activation(o.activation());
  append({activation(input(2))});
}

void TfliteOperators::read_depthwise_conv_2d() {
  const auto& o = options<tflite::DepthwiseConv2DOptions>();
  set_weights(constant(input(1)));
  const std::vector<std::int32_t> dims = tensors_.dims(input(1));
  if (dims.size() != 4) throw Error("its weights have {} dimensions", dims.size());
  set_kernel(dims[1], dims[2]);
  set_window(o);
  set_activation(o.activation());
  const std::int64_t channels = graph_.tensors[activation(input(0))].shape.channels;
  if (o.depth_multiplier() != 0 && o.depth_multiplier() * channels != dims[3]) {
    throw Error("a depth multiplier of {} contradicts its weights", o.depth_multiplier());
  }
  append_convolution();
}

void TfliteOperators::read_fully_connected() {
  const auto& o = options<tflite::FullyConnectedOptions>();
  if (o.weights_format() != 0) throw Error("its weights are shuffled, which is not supported");
  set_weights(constant(input(1)));
  set_activation(o.activation());
  const TensorId source = activation(input(0));
  const std::vector<std::int32_t> weights = tensors_.dims(input(1));
  const std::int64_t elements = graph_.tensors[source].shape.elements();
  if (weights.size() != 2) throw Error("its weights have {} dimensions", weights.size());
  if (elements % weights[1] != 0) {
    throw Error("its weights take {} features, its input has {} values", weights[1], elements);
  }
  const auto rows = static_cast<std::int32_t>(elements / weights[1]);
  std::vector<std::int32_t> dims = {rows, weights[0]};
  if (o.keep_num_dims()) {
    dims = tensors_.dims(input(0));
    if (dims.empty()) throw Error("its input has no dimensions to keep");
    dims.back() = weights[0];
  }
  settle_dims(output(), dims);
  append({rows == 1 ? source : viewed(source, {1, rows, weights[1]})});
}

void TfliteOperators::read_average_pool_2d() { read_pool(); }
void TfliteOperators::read_max_pool_2d() { read_pool(); }

void TfliteOperators::read_pool() {
  const auto& o = options<tflite::Pool2DOptions>();
  require_inputs(1, 1);
  set_kernel(o.filter_h(), o.filter_w());
  set_strides(o.padding(), o.stride_h(), o.stride_w());
  require_images_apart();
  set_activation(o.activation());
  append({activation(input(0))});
}

// Before and after batch, height, width and channels.
std::array<std::int32_t, 8> TfliteOperators::paddings() const {
  tensors_.require_map(input(0));
  const std::vector<std::int32_t> amounts = tensors_.short_integers(input(1));
  const auto rank = static_cast<int>(tensors_.dims(input(0)).size());
  if (amounts.size() != 2 * static_cast<std::size_t>(rank)) {
    throw Error("{}: has {} values", tensors_.describe(input(1)), amounts.size());
  }
  std::array<std::int32_t, 8> all = {};
  std::copy(amounts.begin(), amounts.end(), all.end() - 2 * rank);
  if (all[0] != 0 || all[1] != 0) throw Error("padding of the batch is not supported");
  return all;
}

void TfliteOperators::append_pad() {
  const std::array<std::int32_t, 8> all = paddings();
  const TensorId source = activation(input(0));
  op_.window.padding = {narrow(all[2], "padding"), narrow(all[3], "padding"),
                        narrow(all[4], "padding"), narrow(all[5], "padding")};
  details().channels_before = all[6];
  details().channels_after = all[7];
  append({source});
}

void TfliteOperators::read_pad() {
  require_inputs(2, 2);
  append_pad();
}

// With a value, which is quantized as the output is.
void TfliteOperators::read_padv2() {
  require_inputs(3, 3);
  const Constant value = tensors_.constant(input(2));
  if (value.type != DataType::kInt8 || value.data.size() != 1) {
    throw Error("{}: is not one value of int8", tensors_.describe(input(2)));
  }
  const Quantization to = tensors_.info(output()).quantization;
  if (value.zero_point != to.zero_point ||
      (value.scales.empty() ? 0 : value.scales[0]) != to.scale) {
    throw Error("{}: has another scale or zero point than the output", tensors_.describe(input(2)));
  }
  op_.kind = OpKind::kPad;
  const auto border = std::to_integer<std::int8_t>(value.data[0]);
  if (border != to.zero_point) details().border = border;
  append_pad();
}

TensorId TfliteOperators::mirrored(TensorId tensor, const Padding& p, bool repeats_edges) {
  const Shape& from = graph_.tensors[tensor].shape;
  const Shape to = {from.height + p.top + p.bottom, from.width + p.left + p.right, from.channels};
  Op op{.kind = OpKind::kMirrorPad, .has_bias = false};
  op.window.padding = p;
  edit_details(graph_, op).repeats_edges = repeats_edges;
  return append_between(op, {tensor}, to);
}

// Channels are mirrored as the columns of a view.
void TfliteOperators::read_mirror_pad() {
  require_inputs(2, 2);
  const tflite::MirrorPadMode mode = options<tflite::MirrorPadOptions>().mode();
  if (mode != tflite::MirrorPadMode_REFLECT && mode != tflite::MirrorPadMode_SYMMETRIC) {
    throw Error("mode {} is unknown", static_cast<int>(mode));
  }
  const bool repeats_edges = mode == tflite::MirrorPadMode_SYMMETRIC;
  const std::array<std::int32_t, 8> all = paddings();
  TensorId source = activation(input(0));
  const Padding map = {narrow(all[2], "padding"), narrow(all[3], "padding"),
                       narrow(all[4], "padding"), narrow(all[5], "padding")};
  const Padding columns = {0, 0, narrow(all[6], "padding"), narrow(all[7], "padding")};
  if (columns == Padding{}) {
    op_.window.padding = map;
    details().repeats_edges = repeats_edges;
    return append({source});
  }
  std::vector<std::int32_t> dims = tensors_.dims(input(0));
  for (std::size_t i = 0; i < dims.size(); ++i) {
    const std::size_t pair = all.size() - 2 * (dims.size() - i);
    dims[i] += all[pair] + all[pair + 1];
  }
  settle_dims(output(), dims);
  Shape shape = graph_.tensors[source].shape;
  source = mirrored(viewed(source, {shape.height * shape.width, shape.channels, 1}), columns,
                    repeats_edges);
  shape.channels = dims.back();
  if (map != Padding{}) source = mirrored(viewed(source, shape), map, repeats_edges);
  op_.kind = OpKind::kReshape;
  append({source});
}

}  // namespace mcunet::engine
