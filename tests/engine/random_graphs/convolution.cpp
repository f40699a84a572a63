// Random layers with weights.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "mcunet/engine/graph/weights.hpp"
#include "random_graphs/random_graph.hpp"

namespace mcunet::engine {
namespace {

// The standard deviation of weights of 4 and of 8 bits.
constexpr double kSpread[] = {4.6, 74};

}  // namespace

ConstantId RandomGraph::add_weights(std::vector<std::int32_t> dims, std::int32_t axis) {
  Constant weights;
  weights.name = "weights";
  weights.type = weight_type(op_);
  weights.dims = std::move(dims);
  weights.data = random_bytes(bytes_of_elements(weights.elements(), weights.type));
  if (weights.type == DataType::kInt4) {
    weights.data =
        weight_bytes(weight_values(weights), weights.type);  // nothing behind the last one
  } else {
    // -128 does not occur in symmetric weights; -8 does in files.
    std::replace(weights.data.begin(), weights.data.end(), std::byte{0x80}, std::byte{0x81});
  }
  const bool is_per_channel = weights.dims[axis] > 1 && !chance(3);
  weights.scales.resize(is_per_channel ? weights.dims[axis] : 1);
  for (float& scale : weights.scales)
    scale = static_cast<float>(factor(0.001, 0.004) * 74 / kSpread[op_.weight_bits / 8]);
  if (is_per_channel) weights.channel_axis = axis;
  graph_.constants.push_back(weights);
  return static_cast<ConstantId>(graph_.constants.size()) - 1;
}

// Of the size of the sums of products.
ConstantId RandomGraph::add_bias(std::int32_t channels, double spread) {
  Constant bias;
  bias.name = "bias";
  bias.type = DataType::kInt32;
  bias.dims = {channels};
  for (std::int32_t c = 0; c < channels; ++c) {
    const auto value = static_cast<std::int32_t>(factor(-spread, spread));
    const auto bytes = std::as_bytes(std::span(&value, 1));
    bias.data.insert(bias.data.end(), bytes.begin(), bytes.end());
  }
  graph_.constants.push_back(bias);
  return static_cast<ConstantId>(graph_.constants.size()) - 1;
}

// Weights, bias and an output under which sums of `taps` products spread over the range.
Quantization RandomGraph::add_parameters(std::vector<std::int32_t> dims, std::int32_t axis,
                                         std::int32_t taps, TensorId input) {
  const std::int32_t channels = dims[axis];
  const double spread = 74.0 * kSpread[op_.weight_bits / 8] * std::sqrt(static_cast<double>(taps));
  OpDetails& details = edit_details(graph_, op_);
  details.weights = add_weights(std::move(dims), axis);
  op_.has_bias = has_wide_sums_ || !chance(4);
  if (op_.has_bias) details.bias = add_bias(channels, spread);
  choose_activation();
  const Quantization output = random_quantization(quantization_of(input).scale * 0.0025 * 74 /
                                                  kSpread[op_.weight_bits / 8] * spread / 60);
  if (has_wide_sums_) widen_sums(axis, input, output);
  return output;
}

// Gives most channels a bias of more than 30 bits, some of them one so large that products wrap
// the sum, and a scale under which the bias is a few output steps, as a batch normalization that
// lets nothing through leaves them; or a scale so large that the output saturates, or so small
// that it is constant. Half of them have no weights.
void RandomGraph::widen_sums(std::int32_t axis, TensorId input, const Quantization& output) {
  constexpr double kMost = std::numeric_limits<std::int32_t>::max();
  const OpDetails& details = graph_.details_of(op_);
  Constant& weights = graph_.constants[details.weights];
  Constant& bias = graph_.constants[details.bias];
  const auto channels = static_cast<std::int32_t>(bias.elements());
  weights.scales.resize(static_cast<std::size_t>(channels), weights.scales[0]);
  if (channels > 1) weights.channel_axis = axis;
  for (std::int32_t c = 0; c < channels; ++c) {
    if (chance(4)) continue;
    const double size = chance(2) ? factor(kMost / 2, kMost) : factor(kMost - 20000, kMost);
    const auto value = static_cast<std::int32_t>(chance(2) ? size : -size);
    std::memcpy(&bias.data[c * sizeof(value)], &value, sizeof(value));
    const double steps = chance(6)   ? factor(0.01, 0.5)
                         : chance(6) ? size * factor(0.3, 5)
                                     : factor(0.5, 200);
    weights.scales[c] =
        static_cast<float>(steps / size * output.scale / quantization_of(input).scale);
    if (chance(2)) clear_weights(weights, axis, c);
  }
}

void RandomGraph::clear_weights(Constant& weights, std::int32_t axis, std::int32_t channel) {
  const auto channels = static_cast<std::size_t>(weights.dims[axis]);
  std::vector<std::int8_t> values = weight_values(weights);
  const std::size_t inner = axis == 0 ? values.size() / channels : 1;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i / inner % channels == static_cast<std::size_t>(channel)) values[i] = 0;
  }
  weights.data = weight_bytes(values, weights.type);
}

// Windows that have a kernel of their own: 1x1, and the depthwise ones that work in place.
void RandomGraph::choose_specialised_window(const Shape& input) {
  Window& w = op_.window;
  w = Window{};
  const bool is_depthwise = op_.kind == OpKind::kDepthwiseConv2d;
  w.kernel_height = w.kernel_width =
      static_cast<std::int16_t>(is_depthwise ? 1 + 2 * between(1, 3) : 1);
  w.stride_height = w.stride_width = static_cast<std::int16_t>(is_depthwise ? between(1, 2) : 1);
  w.padding = same_padding(w, input);
}

void RandomGraph::build_convolution() {
  const Shape shape = random_shape();
  const TensorId input = new_input(shape, random_quantization());
  if (is_rare_) {
    op_.window.dilation_height = static_cast<std::int16_t>(between(1, 3));
    op_.window.dilation_width = static_cast<std::int16_t>(between(2, 3));
  } else if (chance(4)) {
    op_.window.dilation_height = 2;
    op_.window.dilation_width = 2;
  }
  choose_window(shape);
  if (is_rare_) op_.window.stride_width = static_cast<std::int16_t>(between(1, 3));
  if (is_rare_ && op_.window.padding != Padding{}) {
    op_.window.padding = same_padding(op_.window, shape);
  }
  if (has_wide_sums_ && chance(2)) choose_specialised_window(shape);
  const bool is_depthwise = op_.kind == OpKind::kDepthwiseConv2d;
  const std::int32_t outputs =
      is_depthwise ? shape.channels * (chance(2) ? 1 : between(2, 3)) : between(1, 11);
  const std::int32_t height = op_.window.kernel_height;
  const std::int32_t width = op_.window.kernel_width;
  const Quantization q = is_depthwise
                             ? add_parameters({1, height, width, outputs}, 3, height * width, input)
                             : add_parameters({outputs, height, width, shape.channels}, 0,
                                              height * width * shape.channels, input);
  finish({&input, 1}, infer_of(input, outputs), q);
}

void RandomGraph::build_matrix() {
  if (is_rare_) return build_matrix_rows();
  const Shape shape = chance(2) ? Shape{1, 1, between(1, 70)} : random_shape();
  const TensorId input = new_input(shape, random_quantization());
  if (shape.height * shape.width == 1 && chance(2)) edit_info(graph_, input).rank = 2;
  const std::int32_t outputs = between(1, 17);
  const auto inputs = static_cast<std::int32_t>(shape.elements());
  const Quantization q = add_parameters({outputs, inputs}, 0, inputs, input);
  finish({&input, 1}, {1, 1, outputs}, q, 2);
}

// On each pixel.
void RandomGraph::build_matrix_rows() {
  const Shape shape = random_shape();
  const TensorId input = new_input(shape, random_quantization());
  const std::int32_t outputs = between(1, 17);
  const Quantization q = add_parameters({outputs, shape.channels}, 0, shape.channels, input);
  finish({&input, 1}, {shape.height, shape.width, outputs}, q, 4);
}

void RandomGraph::build_conv_2d() { build_convolution(); }
void RandomGraph::build_depthwise_conv_2d() { build_convolution(); }
void RandomGraph::build_fully_connected() { build_matrix(); }

// From the output: a convolution of the same window leads to the input.
void RandomGraph::build_transpose_conv() {
  const Shape output = random_shape();
  choose_window(output);
  Window& w = op_.window;
  if (is_rare_ && w.padding == Padding{}) w.stride_width = static_cast<std::int16_t>(between(1, 4));
  Shape shape = windows_of(op_, output);
  shape.channels = between(1, 11);
  const TensorId input = new_input(shape, random_quantization());
  const std::int32_t taps = w.kernel_height * w.kernel_width * shape.channels;
  const Quantization q =
      add_parameters({output.channels, w.kernel_height, w.kernel_width, shape.channels}, 0,
                     std::max(1, taps / (w.stride_height * w.stride_width)), input);
  finish({&input, 1}, output, q);
}

}  // namespace mcunet::engine
