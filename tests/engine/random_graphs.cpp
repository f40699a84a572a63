#include "random_graphs.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "mcunet/engine/graph/operator_table.hpp"
#include "mcunet/engine/graph/shape_inference.hpp"

namespace mcunet::engine {
namespace {

// Numbers that golden outputs depend on: the standard fixes this generator for good.
class Numbers {
 public:
  Numbers(std::uint64_t seed, std::uint64_t stream) : generator_(seed * 4096 + stream) {}

  std::uint64_t operator()() { return generator_(); }
  // In [0, count).
  std::uint32_t index(std::uint32_t count) {
    return static_cast<std::uint32_t>((generator_() >> 32) * count >> 32);
  }
  double uniform() { return static_cast<double>(generator_() >> 11) * 0x1.0p-53; }

 private:
  std::mt19937_64 generator_;
};

// The values keep the streams of random numbers apart.
enum class Form { kUsual = 0, kRare = 500, kWideSums = 700 };

class RandomGraph {
 public:
  RandomGraph(OpKind kind, std::uint64_t seed, Form form)
      : random_(seed, static_cast<std::uint64_t>(kind) + static_cast<std::uint64_t>(form)),
        is_rare_(form == Form::kRare),
        has_wide_sums_(form == Form::kWideSums) {
    op_.kind = kind;
    op_.has_bias = false;
  }

  Graph build() {
    static constexpr std::array<void (RandomGraph::*)(), kOpKinds> kBuilders = {
#define OPERATOR(kind, stem, ...) &RandomGraph::build_##stem,
#include "mcunet/engine/graph/operators.inc"
    };
    (this->*kBuilders[static_cast<std::size_t>(op_.kind)])();
    graph_.outputs = {static_cast<TensorId>(graph_.tensors.size()) - 1};
    return std::move(graph_);
  }

 private:
#define OPERATOR(kind, stem, ...) void build_##stem();
#include "mcunet/engine/graph/operators.inc"

  std::int32_t between(std::int32_t least, std::int32_t most) {
    return least +
           static_cast<std::int32_t>(random_.index(static_cast<std::uint32_t>(most - least + 1)));
  }
  bool chance(std::int32_t one_in) { return between(1, one_in) == 1; }
  double factor(double least, double most) { return least + (most - least) * random_.uniform(); }

  Shape random_shape() { return {between(1, 9), between(1, 9), between(1, 11)}; }

  Quantization random_quantization(double scale = 0.02) {
    const std::int32_t zero_point = chance(3) ? -128 : between(-128, 127);
    return {static_cast<float>(scale * factor(0.25, 4)), zero_point};
  }

  void set_info(TensorId id, const char* name, const Quantization& quantization,
                std::int32_t rank = 4) {
    TensorInfo& info = edit_info(graph_, id);
    info.name = name;
    info.quantization = quantization;
    info.rank = rank;
  }

  TensorId new_input(const Shape& shape, const Quantization& quantization) {
    const TensorId id = add_input(graph_, shape);
    set_info(id, "input", quantization);
    return id;
  }

  void finish(std::span<const TensorId> inputs, const Shape& output, Quantization q,
              std::int32_t rank = 4) {
    set_info(append_op(graph_, op_, inputs, {output, DataType::kInt8}), "output", q, rank);
  }

  const Quantization& quantization_of(TensorId id) { return graph_.info_of(id).quantization; }

  void choose_activation() {
    constexpr std::array kChoices = {Activation::kNone, Activation::kNone, Activation::kRelu,
                                     Activation::kRelu6, Activation::kReluN1To1};
    op_.activation = kChoices[random_.index(kChoices.size())];
  }

  std::vector<std::byte> random_bytes(std::int64_t count) {
    std::vector<std::byte> bytes(static_cast<std::size_t>(count));
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random_() >> 56);
    return bytes;
  }

  ConstantId add_weights(std::vector<std::int32_t> dims, std::int32_t axis) {
    Constant weights;
    weights.name = "weights";
    weights.dims = std::move(dims);
    weights.data = random_bytes(weights.elements());
    // -128 does not occur in symmetric weights.
    std::replace(weights.data.begin(), weights.data.end(), std::byte{0x80}, std::byte{0x81});
    const bool is_per_channel = weights.dims[axis] > 1 && !chance(3);
    weights.scales.resize(is_per_channel ? weights.dims[axis] : 1);
    for (float& scale : weights.scales) scale = static_cast<float>(factor(0.001, 0.004));
    if (is_per_channel) weights.channel_axis = axis;
    graph_.constants.push_back(weights);
    return static_cast<ConstantId>(graph_.constants.size()) - 1;
  }

  // Of the size of the sums of products.
  ConstantId add_bias(std::int32_t channels, double spread) {
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
  Quantization add_parameters(std::vector<std::int32_t> dims, std::int32_t axis, std::int32_t taps,
                              TensorId input) {
    const std::int32_t channels = dims[axis];
    const double spread = 74.0 * 74.0 * std::sqrt(static_cast<double>(taps));
    OpDetails& details = edit_details(graph_, op_);
    details.weights = add_weights(std::move(dims), axis);
    op_.has_bias = has_wide_sums_ || !chance(4);
    if (op_.has_bias) details.bias = add_bias(channels, spread);
    choose_activation();
    const Quantization output =
        random_quantization(quantization_of(input).scale * 0.0025 * spread / 60);
    if (has_wide_sums_) widen_sums(axis, input, output);
    return output;
  }

  // Gives most channels a bias of more than 30 bits, some of them one so large that products wrap
  // the sum, and a scale under which the bias is a few output steps, as a batch normalization that
  // lets nothing through leaves them; or a scale so large that the output saturates, or so small
  // that it is constant. Half of them have no weights.
  void widen_sums(std::int32_t axis, TensorId input, const Quantization& output) {
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

  static void clear_weights(Constant& weights, std::int32_t axis, std::int32_t channel) {
    const auto channels = static_cast<std::size_t>(weights.dims[axis]);
    const std::size_t inner = axis == 0 ? weights.data.size() / channels : 1;
    for (std::size_t i = 0; i < weights.data.size(); ++i) {
      if (i / inner % channels == static_cast<std::size_t>(channel)) weights.data[i] = {};
    }
  }

  // Windows that have a kernel of their own: 1x1, and the depthwise ones that work in place.
  void choose_specialised_window(const Shape& input) {
    Window& w = op_.window;
    w = Window{};
    const bool is_depthwise = op_.kind == OpKind::kDepthwiseConv2d;
    w.kernel_height = w.kernel_width =
        static_cast<std::int16_t>(is_depthwise ? 1 + 2 * between(1, 3) : 1);
    w.stride_height = w.stride_width = static_cast<std::int16_t>(is_depthwise ? between(1, 2) : 1);
    w.padding = same_padding(w, input);
  }

  void choose_window(const Shape& input) {
    Window& w = op_.window;
    w.kernel_height = static_cast<std::int16_t>(between(1, 5));
    w.kernel_width = static_cast<std::int16_t>(between(1, 5));
    w.stride_height = w.stride_width = static_cast<std::int16_t>(between(1, 3));
    const bool fits = w.extent_height() <= input.height && w.extent_width() <= input.width;
    if (!fits || chance(2)) w.padding = same_padding(w, input);
  }

  void build_convolution() {
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
    const Quantization q =
        is_depthwise ? add_parameters({1, height, width, outputs}, 3, height * width, input)
                     : add_parameters({outputs, height, width, shape.channels}, 0,
                                      height * width * shape.channels, input);
    finish({&input, 1}, infer_of(input, outputs), q);
  }

  void build_matrix() {
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
  void build_matrix_rows() {
    const Shape shape = random_shape();
    const TensorId input = new_input(shape, random_quantization());
    const std::int32_t outputs = between(1, 17);
    const Quantization q = add_parameters({outputs, shape.channels}, 0, shape.channels, input);
    finish({&input, 1}, {shape.height, shape.width, outputs}, q, 4);
  }

  void build_pool() {
    const Shape shape = random_shape();
    const Quantization q = random_quantization();
    const TensorId input = new_input(shape, q);
    choose_window(shape);
    choose_activation();
    finish({&input, 1}, infer_of(input), q);
  }

  // The shape itself, one value, one per channel, or one per pixel.
  Shape broadcasting(const Shape& shape) {
    const std::int32_t choice = between(0, 5);
    if (choice == 0) return {1, 1, 1};
    if (choice == 1) return {1, 1, shape.channels};
    if (choice == 2) return {shape.height, shape.width, 1};
    return shape;
  }

  void build_binary() {
    const Shape shape = random_shape();
    const bool keeps = QuantizationRule(traits_of(op_.kind).quantization).keeps;
    const Quantization first = random_quantization();
    const Quantization second = keeps ? first : random_quantization();
    const bool is_mul = op_.kind == OpKind::kMul;
    const Quantization output =
        keeps ? first : random_quantization(is_mul ? first.scale * second.scale * 60 : 0.03);
    if (!keeps) choose_activation();
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
      details.operand_is_first = chance(2);
    } else {
      inputs.push_back(new_input(other, second));
      if (chance(2)) std::swap(inputs[0], inputs[1]);
    }
    finish(inputs, shape, output);
  }

  void build_joined() {
    const Quantization q = random_quantization();
    const auto axis = static_cast<Axis>(between(0, 2));
    edit_details(graph_, op_).axis = axis;
    Shape shape = random_shape();
    std::vector<TensorId> inputs;
    std::int32_t total = 0;
    for (std::int32_t i = between(1, 4); i > 0; --i) {
      along(shape, axis) = between(1, 5);
      total += along(shape, axis);
      inputs.push_back(new_input(shape, q));
    }
    along(shape, axis) = total;
    finish(inputs, shape, q);
  }

  // To or from float, between int8 and uint8, from one scale to another.
  void build_conversion() {
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

  // Of what moves values.
  TensorId moved_input() {
    const Shape shape = random_shape();
    return new_input(shape, random_quantization());
  }

  // A maximum keeps its input's.
  Quantization reduced_quantization(TensorId input) {
    const Quantization& q = quantization_of(input);
    return op_.kind == OpKind::kReduceMax ? q : random_quantization(q.scale / 2);
  }

  void build_any_reduction(TensorId input, OpDetails& details) {
    constexpr std::array<std::array<bool, 3>, 3> kReduced = {
        {{true, false, true}, {false, true, true}, {false, false, true}}};
    details.reduced = kReduced[random_.index(kReduced.size())];
    finish({&input, 1}, infer_of(input), reduced_quantization(input));
  }

  // Keeps the reduced axes or drops them.
  void build_reduction() {
    const TensorId input = moved_input();
    OpDetails& details = edit_details(graph_, op_);
    if (is_rare_) return build_any_reduction(input, details);
    const std::int32_t choice = between(0, 3);
    details.reduced = {choice != 2, choice != 3, choice == 1};
    const Shape kept = infer_of(input);
    const Quantization q = chance(2) ? quantization_of(input) : reduced_quantization(input);
    if (chance(2)) return finish({&input, 1}, kept, q);
    const auto removed = std::count(details.reduced.begin(), details.reduced.end(), true);
    // In every choice, what stays is already in its place or moves over elements of size 1.
    Shape output = {1, 1, kept.channels};
    if (choice == 2) output = {1, kept.height, kept.channels};
    if (choice == 3) output = {1, kept.width, kept.channels};
    finish({&input, 1}, output, q, 4 - static_cast<std::int32_t>(removed));
  }

  Shape infer_of(TensorId input, std::int32_t output_channels = 0) {
    Graph probe = graph_;
    return probe.tensors[append_op(probe, op_, {input}, output_channels)].shape;
  }

  void build_unary() {
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

  void build_resize() {
    const TensorId input = moved_input();
    OpDetails& details = edit_details(graph_, op_);
    details.align_corners = chance(3);
    details.half_pixel_centers = !details.align_corners && chance(2);
    finish({&input, 1}, {between(1, 17), between(1, 17), graph_.tensors[input].shape.channels},
           quantization_of(input));
  }

  Numbers random_;
  bool is_rare_;
  bool has_wide_sums_;
  Graph graph_;
  Op op_;
};

void RandomGraph::build_conv_2d() { build_convolution(); }
void RandomGraph::build_depthwise_conv_2d() { build_convolution(); }
void RandomGraph::build_fully_connected() { build_matrix(); }
void RandomGraph::build_average_pool_2d() { build_pool(); }
void RandomGraph::build_max_pool_2d() { build_pool(); }
void RandomGraph::build_add() { build_binary(); }
void RandomGraph::build_sub() { build_binary(); }
void RandomGraph::build_mul() { build_binary(); }
void RandomGraph::build_maximum() { build_binary(); }
void RandomGraph::build_minimum() { build_binary(); }
void RandomGraph::build_softmax() { build_unary(); }
void RandomGraph::build_log_softmax() { build_unary(); }
void RandomGraph::build_relu() { build_unary(); }
void RandomGraph::build_relu6() { build_unary(); }
void RandomGraph::build_leaky_relu() { build_unary(); }
void RandomGraph::build_logistic() { build_unary(); }
void RandomGraph::build_tanh() { build_unary(); }
void RandomGraph::build_hard_swish() { build_unary(); }
void RandomGraph::build_quantize() { build_conversion(); }
void RandomGraph::build_dequantize() { build_conversion(); }
void RandomGraph::build_concatenation() { build_joined(); }
void RandomGraph::build_resize_nearest_neighbor() { build_resize(); }
void RandomGraph::build_resize_bilinear() { build_resize(); }
void RandomGraph::build_mean() { build_reduction(); }
void RandomGraph::build_reduce_max() { build_reduction(); }

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

void RandomGraph::build_pad() {
  const TensorId input = moved_input();
  OpDetails& details = edit_details(graph_, op_);
  const auto amount = [&] { return static_cast<std::int16_t>(between(0, 3)); };
  op_.window.padding = {amount(), amount(), amount(), amount()};
  if (is_rare_ || chance(3)) details.channels_after = between(0, 5);
  if (is_rare_ || chance(3)) details.channels_before = between(0, 5);
  finish({&input, 1}, infer_of(input), quantization_of(input));
}

void RandomGraph::build_reshape() {
  const TensorId input = moved_input();
  const Shape shape = graph_.tensors[input].shape;
  const Quantization q = quantization_of(input);
  if (chance(2)) {
    return finish({&input, 1}, {1, 1, static_cast<std::int32_t>(shape.elements())}, q, 2);
  }
  finish({&input, 1}, {shape.width, shape.channels, shape.height}, q);
}

// Any part; in the rare form in steps, forwards and backwards.
void RandomGraph::build_strided_slice() {
  const TensorId input = moved_input();
  OpDetails& details = edit_details(graph_, op_);
  for (Axis axis : {Axis::kHeight, Axis::kWidth, Axis::kChannels}) {
    const auto i = static_cast<std::size_t>(axis);
    const std::int32_t size = along(graph_.tensors[input].shape, axis);
    const std::int32_t begin = chance(2) ? 0 : between(0, size - 1);
    const std::int32_t step = is_rare_ ? (chance(2) ? 1 : -1) * between(1, 3) : 1;
    const std::int32_t most = (step > 0 ? size - 1 - begin : begin) / std::abs(step) + 1;
    details.begin[i] = begin;
    details.stride[i] = step;
    along(details.part, axis) = chance(2) ? most : between(1, most);
  }
  finish({&input, 1}, details.part, quantization_of(input));
}

void RandomGraph::build_transpose() {
  const TensorId input = moved_input();
  std::array<std::int8_t, 3>& p = edit_details(graph_, op_).permutation;
  for (int i = 2; i > 0; --i) {
    std::swap(p[i], p[random_.index(static_cast<std::uint32_t>(i) + 1)]);
  }
  finish({&input, 1}, infer_of(input), quantization_of(input));
}

}  // namespace

Graph random_graph(OpKind kind, std::uint64_t seed) {
  return RandomGraph(kind, seed, Form::kUsual).build();
}

Graph random_rare_graph(OpKind kind, std::uint64_t seed) {
  return RandomGraph(kind, seed, Form::kRare).build();
}

Graph random_wide_sum_graph(OpKind kind, std::uint64_t seed) {
  return RandomGraph(kind, seed, Form::kWideSums).build();
}

std::vector<TensorBytes> random_inputs(const Graph& graph, std::uint64_t seed) {
  std::vector<TensorBytes> inputs;
  for (TensorId id : graph.inputs) {
    Numbers random(seed, 1000 + static_cast<std::uint64_t>(id));
    const Tensor& tensor = graph.tensors[id];
    TensorBytes bytes(static_cast<std::size_t>(tensor.bytes()));
    if (tensor.type == DataType::kFloat32) {
      for (std::size_t i = 0; i < bytes.size(); i += sizeof(float)) {
        const auto value = static_cast<float>(random.uniform() * 12 - 6);
        std::memcpy(bytes.data() + i, &value, sizeof(value));
      }
    } else {
      for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() >> 56);
    }
    inputs.push_back(std::move(bytes));
  }
  return inputs;
}

}  // namespace mcunet::engine
