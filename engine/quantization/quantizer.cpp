#include "mcunet/engine/quantization/quantizer.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/graph/graph_validator.hpp"

namespace mcunet::engine {
namespace {

constexpr int kMaxWeight = 127;
// Leaves half of the accumulator's range to the products.
constexpr double kMaxBias = 1 << 30;

bool has_weights(const Op& op) {
  return op.kind == OpKind::kConv2d || op.kind == OpKind::kDepthwiseConv2d ||
         op.kind == OpKind::kFullyConnected;
}

bool keeps_quantization(const Op& op) {
  return op.kind == OpKind::kAveragePool2d || op.kind == OpKind::kMaxPool2d ||
         op.kind == OpKind::kReshape || op.kind == OpKind::kPad || op.kind == OpKind::kTranspose;
}

template <typename Value>
std::vector<std::byte> to_bytes(const std::vector<Value>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(Value));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

// Weights of one operator with the stride between an output channel's elements.
class WeightLayout {
 public:
  WeightLayout(const Graph& graph, const Op& op) {
    const Shape& input = graph.input_of(op).shape;
    const std::int32_t outputs = graph.output_of(op).shape.channels;
    const std::int32_t height = op.window.kernel_height;
    const std::int32_t width = op.window.kernel_width;
    is_channel_last_ = op.kind == OpKind::kDepthwiseConv2d;
    if (op.kind == OpKind::kConv2d) {
      dims = {outputs, height, width, input.channels};
    } else if (is_channel_last_) {
      dims = {1, height, width, outputs};
    } else {
      dims = {outputs, static_cast<std::int32_t>(input.elements())};
    }
    channels = outputs;
    channel_axis = is_channel_last_ ? 3 : 0;
    per_channel = 1;
    for (std::int32_t dim : dims) per_channel *= dim;
    per_channel /= channels;
  }

  std::size_t index(std::int32_t channel, std::int64_t element) const {
    return static_cast<std::size_t>(is_channel_last_ ? element * channels + channel
                                                     : channel * per_channel + element);
  }

  std::vector<std::int32_t> dims;
  std::int32_t channels = 0;
  std::int32_t channel_axis = 0;
  std::int64_t per_channel = 0;

 private:
  bool is_channel_last_ = false;
};

// What one step of a channel's weights is worth. All zero weights leave the choice to the bias.
double weight_scale(double max_weight, double max_bias, double input_scale) {
  const double by_weights = max_weight / kMaxWeight;
  const double by_bias = max_bias / (kMaxBias * input_scale);
  const double scale = std::max(by_weights, by_bias);
  return scale > 0 ? std::max(scale, 1e-20) : 1.0 / kMaxWeight;
}

std::vector<float> choose_scales(const Op& op, const WeightLayout& layout,
                                 const FloatParameters& floats, float input_scale) {
  std::vector<float> max_weights(layout.channels);
  std::vector<float> max_biases(layout.channels);
  for (std::int32_t c = 0; c < layout.channels; ++c) {
    for (std::int64_t i = 0; i < layout.per_channel; ++i) {
      const float weight = std::abs(floats.weights[layout.index(c, i)]);
      max_weights[c] = std::max(max_weights[c], weight);
    }
    max_biases[c] = std::abs(floats.bias[c]);
  }
  return weight_scales(op, max_weights, max_biases, input_scale);
}

class Quantizer {
 public:
  Quantizer(const Graph& graph, std::span<const FloatParameters> parameters,
            std::span<const RealRange> ranges)
      : graph_(graph), parameters_(parameters), ranges_(ranges) {
    if (parameters.size() != graph.ops.size() || ranges.size() != graph.tensors.size()) {
      throw Error("quantization: {} parameter sets and {} ranges for {} operators and {} tensors",
                  parameters.size(), ranges.size(), graph.ops.size(), graph.tensors.size());
    }
  }

  Graph run() {
    quantize_activations();
    for (std::size_t id = 0; id < graph_.ops.size(); ++id) {
      if (has_weights(graph_.ops[id])) quantize_weights(id);
    }
    validate_graph(graph_);
    return std::move(graph_);
  }

 private:
  void quantize_activations() {
    for (std::size_t id = 0; id < graph_.tensors.size(); ++id) {
      const RealRange& range = ranges_[id];
      if (!std::isfinite(range.min) || !std::isfinite(range.max) || range.min > range.max) {
        throw Error("quantization: tensor {} has the range [{}, {}]", id, range.min, range.max);
      }
      TensorInfo& info = edit_info(graph_, static_cast<TensorId>(id));
      info.quantization = int8_quantization(range);
    }
    for (std::size_t id = 0; id < graph_.inputs.size(); ++id) {
      edit_info(graph_, graph_.inputs[id]).name = fmt::format("input_{}", id);
    }
    for (std::size_t id = 0; id < graph_.ops.size(); ++id) {
      const Op& op = graph_.ops[id];
      TensorInfo& info = edit_info(graph_, op.output);
      info.name = fmt::format("{}_{}", name_of(op.kind), id);
      if (keeps_quantization(op)) {
        info.quantization = graph_.info_of(graph_.inputs_of(op)[0]).quantization;
      }
    }
  }

  void check(std::size_t id, const WeightLayout& layout, const FloatParameters& floats) const {
    const auto expected = static_cast<std::size_t>(layout.per_channel * layout.channels);
    const auto channels = static_cast<std::size_t>(layout.channels);
    if (floats.weights.size() != expected || floats.bias.size() != channels) {
      throw Error("quantization: operator {} ({}) needs {} weights and {} biases, has {} and {}",
                  id, name_of(graph_.ops[id].kind), expected, channels, floats.weights.size(),
                  floats.bias.size());
    }
    const auto is_finite = [](float value) { return std::isfinite(value); };
    if (!std::all_of(floats.weights.begin(), floats.weights.end(), is_finite) ||
        !std::all_of(floats.bias.begin(), floats.bias.end(), is_finite)) {
      throw Error("quantization: operator {} ({}) has a parameter that is not finite", id,
                  name_of(graph_.ops[id].kind));
    }
  }

  void quantize_weights(std::size_t id) {
    Op& op = graph_.ops[id];
    const WeightLayout layout(graph_, op);
    const FloatParameters& floats = parameters_[id];
    check(id, layout, floats);
    const float input_scale = graph_.info_of(graph_.inputs_of(op)[0]).quantization.scale;

    Constant weights;
    weights.name = fmt::format("{}_{}/weights", name_of(op.kind), id);
    weights.dims = layout.dims;
    weights.scales = choose_scales(op, layout, floats, input_scale);
    const bool per_tensor = op.kind == OpKind::kFullyConnected;
    weights.channel_axis = per_tensor ? 0 : layout.channel_axis;
    Constant bias;
    bias.name = fmt::format("{}_{}/bias", name_of(op.kind), id);
    bias.type = DataType::kInt32;
    bias.dims = {layout.channels};

    std::vector<std::int8_t> quantized(floats.weights.size());
    std::vector<std::int32_t> biases;
    for (std::int32_t c = 0; c < layout.channels; ++c) {
      const double scale = weights.scales[per_tensor ? 0 : c];
      for (std::int64_t i = 0; i < layout.per_channel; ++i) {
        const std::size_t at = layout.index(c, i);
        const double steps = std::round(double{floats.weights[at]} / scale);
        quantized[at] =
            static_cast<std::int8_t>(std::clamp<double>(steps, -kMaxWeight, kMaxWeight));
      }
      const double steps = std::round(double{floats.bias[c]} / (double{input_scale} * scale));
      biases.push_back(static_cast<std::int32_t>(std::clamp(steps, -kMaxBias, kMaxBias)));
    }
    weights.data = to_bytes(quantized);
    bias.data = to_bytes(biases);
    const auto first = static_cast<ConstantId>(graph_.constants.size());
    graph_.constants.push_back(std::move(weights));
    graph_.constants.push_back(std::move(bias));
    OpDetails& details = edit_details(graph_, op);
    details.weights = first;
    details.bias = first + 1;
    op.has_bias = true;
  }

  Graph graph_;
  std::span<const FloatParameters> parameters_;
  std::span<const RealRange> ranges_;
};

}  // namespace

Quantization int8_quantization(RealRange range) {
  const double min = std::min(0.0, double{range.min});
  const double max = std::max(0.0, double{range.max});
  if (max - min < 1e-12) return {1.0F / 255, 0};
  const double scale = (max - min) / 255;
  const double zero_point = std::clamp(std::round(-128 - min / scale), -128.0, 127.0);
  return {static_cast<float>(scale), static_cast<std::int32_t>(zero_point)};
}

std::vector<float> weight_scales(const Op& op, std::span<const float> max_weights,
                                 std::span<const float> max_biases, float input_scale) {
  std::vector<float> scales;
  for (std::size_t c = 0; c < max_weights.size(); ++c) {
    scales.push_back(static_cast<float>(weight_scale(max_weights[c], max_biases[c], input_scale)));
  }
  if (op.kind == OpKind::kFullyConnected) {
    scales = {*std::max_element(scales.begin(), scales.end())};
  }
  return scales;
}

Graph quantize_graph(const Graph& graph, std::span<const FloatParameters> parameters,
                     std::span<const RealRange> ranges) {
  return Quantizer(graph, parameters, ranges).run();
}

}  // namespace mcunet::engine
