#include "mcunet/engine/quantization/quantizer.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <optional>
#include <string>
#include <utility>

#include "mcunet/core/error.hpp"
#include "mcunet/engine/arithmetic/quantized_arithmetic.hpp"
#include "mcunet/engine/graph/graph_validator.hpp"
#include "mcunet/engine/graph/operator_table.hpp"
#include "mcunet/engine/graph/weights.hpp"

namespace mcunet::engine {
namespace {

template <typename Value>
std::vector<std::byte> to_bytes(const std::vector<Value>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(Value));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

// The shares of a channel's largest magnitude beyond which 4 bits may clip: 1, 0.95, … 0.4.
constexpr int kClipShares = 13;
constexpr double kClipStep = 0.05;

// Of rounding to multiples of a scale, up to so many of them.
double squared_error(std::span<const float> weights, double scale, int max_steps) {
  double sum = 0;
  for (const float weight : weights) {
    const double magnitude = std::abs(double{weight});
    const double steps = std::min<double>(std::floor(magnitude / scale + 0.5), max_steps);
    const double error = magnitude - steps * scale;
    sum += error * error;
  }
  return sum;
}

// Of those that the shares lead to, the one with the least error; of equal ones, the largest.
double clipped_scale(std::span<const float> weights, double largest, int max_steps) {
  const double unclipped = largest / max_steps;
  double best = unclipped;
  double least = squared_error(weights, best, max_steps);
  for (int i = 1; i < kClipShares && least > 0; ++i) {
    const double scale = unclipped * (1 - kClipStep * i);
    const double error = squared_error(weights, scale, max_steps);
    if (error >= least) continue;
    least = error;
    best = scale;
  }
  return best;
}

// All zero weights leave the choice to the bias.
double scale_of_channel(const Op& op, double by_weights, double min_scale) {
  const double scale = std::max(by_weights, min_scale);
  return scale > 0 ? std::max(scale, 1e-20) : 1.0 / max_weight(op);
}

// Tensors that have one quantization, as operators keep it from their inputs to their output.
class SharedTensors {
 public:
  explicit SharedTensors(const Graph& graph) : parent_(graph.tensors.size()) {
    std::iota(parent_.begin(), parent_.end(), 0);
    for (const Op& op : graph.ops) {
      if (!QuantizationRule(traits_of(op.kind).quantization).keeps) continue;
      for (TensorId input : graph.inputs_of(op)) parent_[of(op.output)] = of(input);
    }
  }

  // The one that stands for all.
  TensorId of(TensorId tensor) const {
    while (parent_[tensor] != tensor) tensor = parent_[tensor];
    return tensor;
  }

 private:
  std::vector<TensorId> parent_;
};

void check_range(std::size_t tensor, const RealRange& range) {
  if (std::isfinite(range.min) && std::isfinite(range.max) && range.min <= range.max) return;
  throw Error("quantization: tensor {} has the range [{}, {}]", tensor, range.min, range.max);
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
    const std::vector<Quantization> quantizations = activation_quantizations(graph_, ranges_);
    for (std::size_t id = 0; id < graph_.tensors.size(); ++id) {
      edit_info(graph_, static_cast<TensorId>(id)).quantization = quantizations[id];
    }
    for (std::size_t id = 0; id < graph_.inputs.size(); ++id) {
      edit_info(graph_, graph_.inputs[id]).name = fmt::format("input_{}", id);
    }
    for (std::size_t id = 0; id < graph_.ops.size(); ++id) {
      const Op& op = graph_.ops[id];
      edit_info(graph_, op.output).name = fmt::format("{}_{}", name_of(op.kind), id);
    }
  }

  void check(std::size_t id, const WeightLayout& layout, const FloatParameters& floats) const {
    const auto expected = static_cast<std::size_t>(layout.per_output() * layout.outputs);
    const auto channels = static_cast<std::size_t>(layout.outputs);
    if (floats.weights.size() != expected || floats.bias.size() != channels ||
        (!floats.scales.empty() && floats.scales.size() != channels)) {
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
    const WeightLayout layout = weight_layout(graph_, op);
    const FloatParameters& floats = parameters_[id];
    check(id, layout, floats);
    const float input_scale = graph_.info_of(graph_.inputs_of(op)[0]).quantization.scale;

    Constant weights;
    weights.name = fmt::format("{}_{}/weights", name_of(op.kind), id);
    weights.type = weight_type(op);
    weights.dims = layout.dims();
    weights.scales = weight_scales(graph_, op, floats);
    const bool per_tensor = weights.scales.size() == 1;
    weights.channel_axis = layout.channel_axis();
    Constant bias;
    bias.name = fmt::format("{}_{}/bias", name_of(op.kind), id);
    bias.type = DataType::kInt32;
    bias.dims = {layout.outputs};

    std::vector<std::int8_t> quantized(floats.weights.size());
    std::vector<std::int32_t> biases;
    for (std::int32_t c = 0; c < layout.outputs; ++c) {
      const double scale = weights.scales[per_tensor ? 0 : c];
      for (std::int64_t i = 0; i < layout.per_output(); ++i) {
        const std::size_t at = layout.index(c, i);
        const double steps = std::round(double{floats.weights[at]} / scale);
        quantized[at] =
            static_cast<std::int8_t>(std::clamp<double>(steps, -max_weight(op), max_weight(op)));
      }
      const double steps = std::round(double{floats.bias[c]} / (double{input_scale} * scale));
      biases.push_back(static_cast<std::int32_t>(std::clamp(steps, -kMaxBias, kMaxBias)));
    }
    weights.data = weight_bytes(quantized, weights.type);
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

Quantization activation_quantization(RealRange range, DataType type) {
  const ValueRange values = value_range(type);
  const int steps = values.max - values.min;
  const double min = std::min(0.0, double{range.min});
  const double max = std::max(0.0, double{range.max});
  if (max - min < 1e-12) return {1.0F / static_cast<float>(steps), 0};
  const double scale = (max - min) / steps;
  const double zero_point =
      std::clamp<double>(std::round(values.min - min / scale), values.min, values.max);
  return {static_cast<float>(scale), static_cast<std::int32_t>(zero_point)};
}

// Per tensor: that of its range or, where it is shared, of the ranges of all tensors that do not take
// it from an input; as prescribed, where TFLite does.
std::vector<Quantization> activation_quantizations(const Graph& graph,
                                                   std::span<const RealRange> ranges) {
  const SharedTensors shared(graph);
  std::vector<std::optional<RealRange>> joint(graph.tensors.size());
  std::vector<std::optional<Quantization>> prescribed(graph.tensors.size());
  const auto widen = [&](TensorId tensor) {
    std::optional<RealRange>& range = joint[shared.of(tensor)];
    const RealRange& own = ranges[tensor];
    range = range ? RealRange{std::min(range->min, own.min), std::max(range->max, own.max)} : own;
  };
  for (std::size_t id = 0; id < ranges.size(); ++id) check_range(id, ranges[id]);
  for (TensorId input : graph.inputs) widen(input);
  for (const Op& op : graph.ops) {
    const QuantizationRule rule = traits_of(op.kind).quantization;
    if (!rule.keeps) widen(op.output);
    if (rule.prescribed) prescribed[shared.of(op.output)] = rule.prescribed;
  }
  std::vector<Quantization> result;
  for (TensorId id = 0; id < static_cast<TensorId>(graph.tensors.size()); ++id) {
    const TensorId root = shared.of(id);
    result.push_back(prescribed[root] ? *prescribed[root]
                                      : activation_quantization(joint[root].value_or(ranges[id]),
                                                                graph.tensors[id].type));
  }
  return result;
}

double weight_scale(std::span<const float> channel, int bits) {
  const int max_steps = max_weight(bits);
  double largest = 0;
  for (const float weight : channel) largest = std::max(largest, std::abs(double{weight}));
  const bool may_clip = bits == 4 && largest > 0;
  return may_clip ? clipped_scale(channel, largest, max_steps) : largest / max_steps;
}

std::vector<float> weight_scales(const Graph& graph, const Op& op, const FloatParameters& floats) {
  const WeightLayout layout = weight_layout(graph, op);
  const double input_scale = graph.info_of(graph.inputs_of(op)[0]).quantization.scale;
  std::vector<float> channel(static_cast<std::size_t>(layout.per_output()));
  std::vector<float> scales;
  for (std::int32_t c = 0; c < layout.outputs; ++c) {
    for (std::size_t i = 0; i < channel.size(); ++i) {
      channel[i] = floats.weights[layout.index(c, static_cast<std::int64_t>(i))];
    }
    const double min_scale = std::abs(double{floats.bias[c]}) / (kMaxBias * input_scale);
    const double by_weights =
        floats.scales.empty() ? weight_scale(channel, op.weight_bits) : double{floats.scales[c]};
    scales.push_back(static_cast<float>(scale_of_channel(op, by_weights, min_scale)));
  }
  if (layout.order == WeightOrder::kMatrix && op.weight_bits == 8) {
    scales = {*std::max_element(scales.begin(), scales.end())};
  }
  return scales;
}

Graph quantize_graph(const Graph& graph, std::span<const FloatParameters> parameters,
                     std::span<const RealRange> ranges) {
  return Quantizer(graph, parameters, ranges).run();
}

}  // namespace mcunet::engine
