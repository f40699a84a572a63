#include "step_code.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/pack.h"
#include "layer_parameters.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/engine/reference_executor.hpp"
#include "mcunet/engine/shape_inference.hpp"

namespace mcunet::engine {
namespace {

// Sums beyond this would not be requantized exactly by the kernels.
constexpr std::int64_t kMaxSum = std::int64_t{1} << 30;

// Generates one step: each operator appends a `static const` layer description and a call.
class StepWriter {
 public:
  StepWriter(const CompiledGraph& compiled, std::int32_t step)
      : compiled_(compiled),
        graph_(compiled.graph),
        op_(compiled.graph.ops[compiled.schedule.steps[step].first_op]),
        step_(step) {}

  StepCode write() {
    switch (op_.kind) {
      case OpKind::kConv2d:
        convolution();
        break;
      case OpKind::kDepthwiseConv2d:
        depthwise();
        break;
      case OpKind::kFullyConnected:
        fully_connected();
        break;
      case OpKind::kAveragePool2d:
        pool("mcunet_average_pool2d", "average_pool2d.c");
        break;
      case OpKind::kMaxPool2d:
        pool("mcunet_max_pool2d", "max_pool2d.c");
        break;
      case OpKind::kMean:
        mean();
        break;
      case OpKind::kAdd:
        elementwise("mcunet_add", "add.c");
        break;
      case OpKind::kSub:
        elementwise("mcunet_sub", "sub.c");
        break;
      case OpKind::kMul:
        elementwise("mcunet_mul", "mul.c");
        break;
      case OpKind::kRelu:
      case OpKind::kRelu6:
      case OpKind::kLogistic:
      case OpKind::kHardSwish:
      case OpKind::kQuantize:
        lookup();
        break;
      case OpKind::kSoftmax:
        softmax();
        break;
      case OpKind::kReshape:
      case OpKind::kTranspose:
        relayout();
        break;
      case OpKind::kPad:
        pad();
        break;
      case OpKind::kConcatenation:
        concatenation();
        break;
      case OpKind::kResizeNearestNeighbor:
        resize();
        break;
      case OpKind::kDequantize:
        refuse("is no border of the graph");
    }
    return std::move(code_);
  }

 private:
  [[noreturn]] void refuse(const std::string& reason) const {
    throw Error("operator {} ({}, output {}): {}", &op_ - graph_.ops.data(), name_of(op_.kind),
                graph_.info_of(op_.output).name, reason);
  }

  const Shape& input(int index = 0) const { return graph_.input_of(op_, index).shape; }
  const Shape& output() const { return graph_.output_of(op_).shape; }
  const Quantization& input_quantization(int index = 0) const {
    return graph_.info_of(graph_.inputs_of(op_)[index]).quantization;
  }
  const Quantization& output_quantization() const {
    return graph_.info_of(op_.output).quantization;
  }
  ValueRange range() const { return activation_range(op_.activation, output_quantization()); }

  std::string address(std::int64_t buffer) const {
    return fmt::format("arena + {}", compiled_.plan.offsets[static_cast<std::size_t>(buffer)]);
  }
  std::string input_address(int index = 0) const { return address(graph_.inputs_of(op_)[index]); }
  std::string output_address() const { return address(op_.output); }
  std::int32_t scratch_buffer() const { return compiled_.requests.step_scratch_buffer[step_]; }
  std::string scratch_address() const {
    return scratch_buffer() == kNoId ? "0" : address(scratch_buffer());
  }
  std::int64_t scratch_bytes() const { return compiled_.requests.step_scratch_bytes[step_]; }

  // The initializer of struct mcunet_output.
  std::string output_text() const {
    return fmt::format("{{.zero_point = {}, .min = {}, .max = {}}}",
                       output_quantization().zero_point, range().min, range().max);
  }
  mcunet_output output_struct() const {
    return {output_quantization().zero_point, range().min, range().max};
  }

  // Adds bytes to the flash; returns the name of their array.
  std::string add_array(const std::string& what, std::vector<unsigned char> bytes) {
    std::string name = fmt::format("model_{}_{}", what, step_);
    code_.arrays.push_back({name, std::move(bytes)});
    return name;
  }

  void layer(const std::string& type, const std::vector<std::string>& members) {
    code_.body += fmt::format("  static const struct {} layer = {{\n", type);
    for (const std::string& member : members) code_.body += "      " + member + ",\n";
    code_.body += "  };\n";
  }

  void call(const std::string& function, const std::vector<std::string>& arguments,
            const std::string& file) {
    code_.body += fmt::format("  {}({});\n", function, fmt::join(arguments, ", "));
    code_.kernels.push_back(file);
  }

  template <typename T>
  static std::string member(const char* name, T value) {
    return fmt::format(".{} = {}", name, value);
  }

  // ---- Convolutions ----

  const std::int8_t* weights() const {
    const Constant& weights = graph_.constants[graph_.details_of(op_).weights];
    return reinterpret_cast<const std::int8_t*>(weights.data.data());
  }

  std::vector<std::int32_t> biases() const {
    std::vector<std::int32_t> values(static_cast<std::size_t>(output().channels), 0);
    if (!op_.has_bias) return values;
    const Constant& bias = graph_.constants[graph_.details_of(op_).bias];
    std::memcpy(values.data(), bias.data.data(), values.size() * sizeof(std::int32_t));
    return values;
  }

  // `weight_at(channel, i)` for i in 0..depth.
  template <typename WeightAt>
  void check_sums(std::int64_t depth, WeightAt weight_at) const {
    const std::vector<std::int32_t> bias = biases();
    const std::int64_t zero_point = input_quantization().zero_point;
    const std::int64_t reach = std::max(127 - zero_point, 128 + zero_point);
    for (std::int32_t c = 0; c < output().channels; ++c) {
      std::int64_t most = std::abs(std::int64_t{bias[c]});
      for (std::int64_t i = 0; i < depth; ++i) most += reach * std::abs(int{weight_at(c, i)});
      if (most >= kMaxSum) refuse(fmt::format("sums of channel {} may exceed 30 bits", c));
    }
  }

  // Calls pack(filter, where) with a filter whose arrays live for the call.
  template <typename Pack>
  std::vector<unsigned char> packed(std::size_t bytes, Pack pack) const {
    const std::vector<std::int32_t> bias = biases();
    std::vector<std::int32_t> multipliers;
    std::vector<std::int32_t> shifts;
    for (std::int32_t c = 0; c < output().channels; ++c) {
      const QuantizedMultiplier by = convolution_multiplier(graph_, op_, c);
      multipliers.push_back(by.multiplier);
      shifts.push_back(-by.shift);
    }
    const mcunet_filter filter{.weights = weights(),
                               .bias = bias.data(),
                               .multipliers = multipliers.data(),
                               .shifts = shifts.data(),
                               .output_channels = output().channels,
                               .input_zero_point = input_quantization().zero_point,
                               .output = output_struct()};
    std::vector<unsigned char> result(bytes);
    pack(filter, result.data());
    return result;
  }

  std::string pack_matmul(std::int64_t depth) {
    check_sums(depth, [&](std::int32_t c, std::int64_t i) { return weights()[c * depth + i]; });
    const auto width = static_cast<std::int32_t>(depth);
    return add_array("weights", packed(mcunet_packed_matmul_bytes(output().channels, width),
                                       [&](const mcunet_filter& filter, void* where) {
                                         mcunet_pack_matmul(&filter, width, where);
                                       }));
  }

  std::string pack_depthwise() {
    const std::int32_t taps = op_.window.kernel_height * op_.window.kernel_width;
    const std::int32_t channels = output().channels;
    check_sums(taps, [&](std::int32_t c, std::int64_t i) { return weights()[i * channels + c]; });
    return add_array("weights", packed(mcunet_packed_depthwise_bytes(channels, taps),
                                       [&](const mcunet_filter& filter, void* where) {
                                         mcunet_pack_depthwise(&filter, taps, where);
                                       }));
  }

  std::vector<std::string> window_members() const {
    const Window& w = op_.window;
    return {member("input_height", input().height),
            member("input_width", input().width),
            member("input_channels", input().channels),
            member("output_height", output().height),
            member("output_width", output().width),
            member("output_channels", output().channels),
            member("kernel_height", w.kernel_height),
            member("kernel_width", w.kernel_width),
            member("stride_height", w.stride_height),
            member("stride_width", w.stride_width),
            member("pad_top", w.padding.top),
            member("pad_left", w.padding.left),
            member("input_zero_point", input_quantization().zero_point),
            ".output = " + output_text()};
  }

  void refuse_dilation() const {
    if (op_.window.dilation_height != 1 || op_.window.dilation_width != 1) {
      refuse("has no kernel for dilation");
    }
  }

  void convolution() {
    refuse_dilation();
    const Window& w = op_.window;
    const std::string packed_weights =
        pack_matmul(std::int64_t{w.kernel_height} * w.kernel_width * input().channels);
    const bool is_pointwise = compiled_.options.specializes_kernels && w.kernel_height == 1 &&
                              w.kernel_width == 1 && w.stride_height == 1 && w.stride_width == 1 &&
                              w.padding == Padding{};
    if (is_pointwise) {
      layer("mcunet_conv2d_1x1_layer",
            {member("pixels", input().height * input().width),
             member("input_channels", input().channels),
             member("output_channels", output().channels), ".output = " + output_text()});
      call("mcunet_conv2d_1x1",
           {input_address(), output_address(), "&layer", packed_weights, scratch_address()},
           "conv2d_1x1.c");
      return;
    }
    layer("mcunet_conv2d_layer", window_members());
    call("mcunet_conv2d",
         {input_address(), output_address(), "&layer", packed_weights, scratch_address(),
          std::to_string(scratch_bytes())},
         "conv2d.c");
  }

  void depthwise() {
    refuse_dilation();
    const Window& w = op_.window;
    const std::string packed_weights = pack_depthwise();
    const bool has_kernel = has_in_place_kernel(op_) && input().channels == output().channels;
    if (!has_kernel || !compiled_.options.specializes_kernels) {
      std::string window;
      for (const std::string& text : window_members()) window += "          " + text + ",\n";
      layer("mcunet_depthwise_any_layer",
            {".window = {\n" + window + "      }",
             member("depth_multiplier", output().channels / input().channels)});
      call("mcunet_depthwise_conv2d", {input_address(), output_address(), "&layer", packed_weights},
           "depthwise_conv2d.c");
      return;
    }
    layer("mcunet_depthwise_layer",
          {member("input_height", input().height), member("input_width", input().width),
           member("output_height", output().height), member("output_width", output().width),
           member("channels", input().channels), member("pad_top", w.padding.top),
           member("pad_left", w.padding.left),
           member("input_zero_point", input_quantization().zero_point),
           ".output = " + output_text()});
    const std::string variant =
        fmt::format("depthwise_conv2d_{0}x{0}_s{1}", w.kernel_height, w.stride_height);
    call("mcunet_" + variant,
         {input_address(), output_address(), "&layer", packed_weights, scratch_address(),
          std::to_string(scratch_bytes())},
         variant + ".c");
  }

  void fully_connected() {
    const std::string packed_weights = pack_matmul(input().elements());
    layer("mcunet_fully_connected_layer",
          {member("batches", 1), member("input_features", input().elements()),
           member("output_features", output().channels), ".output = " + output_text()});
    call("mcunet_fully_connected",
         {input_address(), output_address(), "&layer", packed_weights, scratch_address()},
         "fully_connected.c");
  }

  // ---- Pooling ----

  void pool(const std::string& function, const std::string& file) {
    const Window& w = op_.window;
    layer("mcunet_pool2d_layer",
          {member("input_height", input().height), member("input_width", input().width),
           member("output_height", output().height), member("output_width", output().width),
           member("channels", input().channels), member("kernel_height", w.kernel_height),
           member("kernel_width", w.kernel_width), member("stride_height", w.stride_height),
           member("stride_width", w.stride_width), member("pad_top", w.padding.top),
           member("pad_left", w.padding.left), member("min", range().min),
           member("max", range().max)});
    call(function, {input_address(), output_address(), "&layer"}, file);
  }

  // The reduced axes must lie side by side: [outer][reduced][inner].
  void mean() {
    const auto& reduced = graph_.details_of(op_).reduced;
    const std::int64_t sizes[] = {input().height, input().width, input().channels};
    std::int64_t outer = 1;
    std::int64_t count = 1;
    std::int64_t inner = 1;
    for (int axis = 0; axis < 3; ++axis) {
      if (sizes[axis] == 1) continue;
      if (reduced[axis]) {
        if (inner != 1) refuse("has no kernel for a mean over axes that are apart");
        count *= sizes[axis];
      } else {
        (count == 1 ? outer : inner) *= sizes[axis];
      }
    }
    const QuantizedMultiplier by =
        mean_multiplier(input_quantization().scale, output_quantization().scale, count);
    layer("mcunet_mean_layer",
          {member("outer", outer), member("reduced", count), member("inner", inner),
           member("input_zero_point", input_quantization().zero_point),
           member("multiplier", by.multiplier), member("shift", -by.shift),
           fmt::format(".output = {{.zero_point = {}, .min = -128, .max = 127}}",
                       output_quantization().zero_point)});
    call("mcunet_mean", {input_address(), output_address(), "&layer"}, "mean.c");
  }

  // ---- Elementwise ----

  struct Operand {
    Shape shape;
    Quantization quantization;
    std::string address;
  };

  std::vector<Operand> operands() {
    const OpDetails& details = graph_.details_of(op_);
    std::vector<Operand> result;
    for (int i = 0; i < op_.input_count; ++i) {
      result.push_back({input(i), input_quantization(i), input_address(i)});
    }
    if (details.operand != kNoId) {
      const Constant& constant = graph_.constants[details.operand];
      const auto* bytes = reinterpret_cast<const unsigned char*>(constant.data.data());
      const std::string name = add_array("operand", {bytes, bytes + constant.data.size()});
      const Operand fixed{shape_of_dims(constant.dims),
                          {constant.scales[0], constant.zero_point},
                          "(const int8_t*)" + name};
      result.insert(details.operand_is_first ? result.begin() : result.end(), fixed);
    }
    return result;
  }

  // b repeats with a period if it lacks the outer axes of the output.
  bool repeats_in(const Shape& b, const Shape& out) const {
    const std::int64_t elements = b.elements();
    if (elements == 1 || elements == out.elements()) return true;
    const bool is_row = b.height == 1 && b.width == out.width && b.channels == out.channels;
    const bool is_pixel = b.height == 1 && b.width == 1 && b.channels == out.channels;
    return is_row || is_pixel;
  }

  void elementwise(const std::string& function, const std::string& file) {
    std::vector<Operand> sides = operands();
    // Addition and multiplication may swap their operands; the second one is repeated.
    if (sides[0].shape.elements() != output().elements() && op_.kind != OpKind::kSub) {
      std::swap(sides[0], sides[1]);
    }
    if (sides[0].shape.elements() != output().elements() || !repeats_in(sides[1].shape, output())) {
      refuse("has no kernel for this broadcast");
    }
    const float first = sides[0].quantization.scale;
    const float second = sides[1].quantization.scale;
    const float out = output_quantization().scale;
    AdditionMultipliers by = addition_multipliers(first, second, out);
    if (op_.kind == OpKind::kMul) by = {{}, {}, product_multiplier(first, second, out)};
    const auto operand_text = [](const Operand& side, const QuantizedMultiplier& multiplier) {
      return fmt::format("{{.zero_point = {}, .multiplier = {}, .shift = {}}}",
                         side.quantization.zero_point, multiplier.multiplier, -multiplier.shift);
    };
    layer("mcunet_elementwise_layer",
          {member("elements", output().elements()), member("period", sides[1].shape.elements()),
           fmt::format(".operands = {{{}, {}}}", operand_text(sides[0], by.first),
                       operand_text(sides[1], by.second)),
           member("multiplier", by.output.multiplier), member("shift", -by.output.shift),
           ".output = " + output_text()});
    call(function, {sides[0].address, sides[1].address, output_address(), "&layer"}, file);
  }

  // A function of one value is a table, which the reference executor fills in.
  void lookup() {
    Graph one;
    const TensorId in = add_input(one, {1, 1, 256});
    edit_info(one, in).quantization = input_quantization();
    Op op = op_;
    op.details = kNoId;
    const TensorId out =
        append_op(one, op, std::span(&in, 1), Tensor{{1, 1, 256}, DataType::kInt8});
    edit_info(one, out).quantization = output_quantization();
    if (graph_.input_of(op_).type != DataType::kInt8)
      refuse("converts from another type than int8");
    one.outputs = {out};
    TensorBytes values;
    for (int value = -128; value < 128; ++value) values.push_back(static_cast<std::byte>(value));
    const std::vector<TensorBytes> results = execute(one, std::span(&values, 1));
    std::vector<unsigned char> table;
    for (std::byte value : results[0]) table.push_back(std::to_integer<unsigned char>(value));
    const std::string name = add_array("table", std::move(table));
    call("mcunet_lookup",
         {input_address(), output_address(), std::to_string(output().elements()),
          "(const int8_t*)" + name},
         "lookup.c");
  }

  void softmax() {
    const SoftmaxParameters p =
        softmax_parameters(input_quantization().scale, graph_.details_of(op_).beta);
    layer("mcunet_softmax_layer",
          {member("rows", input().elements() / input().channels), member("depth", input().channels),
           member("multiplier", p.multiplier.multiplier), member("left_shift", p.multiplier.shift),
           member("min_difference", p.least_difference)});
    call("mcunet_softmax", {input_address(), output_address(), "&layer"}, "softmax.c");
  }

  // ---- Layout ----

  // Whether the axes longer than 1 keep their order.
  bool moves_values() const {
    if (op_.kind != OpKind::kTranspose) return false;
    const std::int32_t sizes[] = {input().height, input().width, input().channels};
    int last = -1;
    for (const std::int8_t value : graph_.details_of(op_).permutation) {
      const int axis = static_cast<unsigned char>(value);
      if (sizes[axis] == 1) continue;
      if (axis < last) return true;
      last = axis;
    }
    return false;
  }

  void transpose() {
    const auto& permutation = graph_.details_of(op_).permutation;
    const std::int64_t strides[] = {std::int64_t{input().width} * input().channels,
                                    input().channels, 1};
    layer(
        "mcunet_transpose_layer",
        {fmt::format(".sizes = {{{}, {}, {}}}", output().height, output().width, output().channels),
         fmt::format(".strides = {{{}, {}, {}}}", strides[permutation[0]], strides[permutation[1]],
                     strides[permutation[2]])});
    call("mcunet_transpose", {input_address(), output_address(), "&layer"}, "transpose.c");
  }

  void relayout() {
    if (moves_values()) return transpose();
    if (compiled_.plan.offsets[graph_.inputs_of(op_)[0]] == compiled_.plan.offsets[op_.output]) {
      code_.body += "  // In place: nothing to do.\n";
      return;
    }
    code_.body += fmt::format("  memcpy({}, {}, {});\n", output_address(), input_address(),
                              output().elements());
  }

  void pad() {
    const OpDetails& details = graph_.details_of(op_);
    if (details.channels_before != 0 || details.channels_after != 0) {
      refuse("has no kernel for padded channels");
    }
    const Padding& p = op_.window.padding;
    layer("mcunet_pad_layer",
          {member("input_height", input().height), member("input_width", input().width),
           member("channels", input().channels), member("top", p.top), member("bottom", p.bottom),
           member("left", p.left), member("right", p.right),
           member("value", output_quantization().zero_point)});
    call("mcunet_pad", {input_address(), output_address(), "&layer"}, "pad.c");
  }

  // Along any axis, an input is `pixels` runs of values, `output_stride` apart in the output.
  void concatenation() {
    const Axis axis = graph_.details_of(op_).axis;
    const auto runs_of = [axis](const Shape& shape) -> std::int64_t {
      return axis == Axis::kHeight  ? 1
             : axis == Axis::kWidth ? shape.height
                                    : std::int64_t{shape.height} * shape.width;
    };
    const std::int64_t stride = output().elements() / runs_of(output());
    std::int64_t begin = 0;
    for (int i = 0; i < op_.input_count; ++i) {
      const std::int64_t length = input(i).elements() / runs_of(input(i));
      code_.body += fmt::format(
          "  static const struct mcunet_copy_channels_layer layer_{} = {{\n"
          "      .pixels = {}, .channels = {}, .output_stride = {}}};\n",
          i, runs_of(input(i)), length, stride);
      call("mcunet_copy_channels",
           {input_address(i), fmt::format("{} + {}", output_address(), begin),
            fmt::format("&layer_{}", i), "0"},
           "copy_channels.c");
      begin += length;
    }
  }

  static std::vector<unsigned char> as_uint16(const std::vector<std::int32_t>& values) {
    std::vector<unsigned char> bytes;
    for (std::int32_t value : values) {
      bytes.push_back(static_cast<unsigned char>(value & 0xff));
      bytes.push_back(static_cast<unsigned char>(value >> 8));
    }
    return bytes;
  }

  void resize() {
    const OpDetails& details = graph_.details_of(op_);
    const std::string rows =
        add_array("rows", as_uint16(nearest_neighbors(input().height, output().height, details)));
    const std::string columns =
        add_array("columns", as_uint16(nearest_neighbors(input().width, output().width, details)));
    layer("mcunet_resize_nearest_layer",
          {member("input_width", input().width), member("channels", input().channels),
           member("output_height", output().height), member("output_width", output().width)});
    call("mcunet_resize_nearest",
         {input_address(), output_address(), "&layer", "(const uint16_t*)(const void*)" + rows,
          "(const uint16_t*)(const void*)" + columns},
         "resize_nearest.c");
  }

  const CompiledGraph& compiled_;
  const Graph& graph_;
  const Op& op_;
  std::int32_t step_;
  StepCode code_;
};

}  // namespace

StepCode generate_step(const CompiledGraph& compiled, std::int32_t step) {
  return StepWriter(compiled, step).write();
}

}  // namespace mcunet::engine
