#include "mcunet/engine/graph/dead_channels.hpp"

#include <algorithm>
#include <optional>

#include "mcunet/engine/graph/graph_validator.hpp"
#include "mcunet/engine/graph/operator_table.hpp"
#include "mcunet/engine/graph/shape_inference.hpp"
#include "mcunet/engine/graph/weights.hpp"

// Three passes:
//   forward    which channels are constant, whatever the input, and their values
//   backward   which channels anybody needs, to a fixed point, as operators without weights need
//              the same channels of their inputs and of their output
//   rewriting  tensors, weights and biases without the others
// Each costs as much as reading the weights a few times.
namespace mcunet::engine {
namespace {

using Channels = std::vector<bool>;

ChannelFlow flow_of(const Graph& graph, const Op& op) {
  return traits_of(op.kind).channels(graph, op);
}

// Whether an output channel has a weight other than 0 for an input channel.
bool reads(const Weights& weights, std::int32_t output, std::int32_t input) {
  const WeightLayout& layout = weights.layout();
  for (std::int32_t place = 0; place < layout.places; ++place) {
    if (weights.at(output, std::int64_t{place} * layout.inputs + input) != 0) return true;
  }
  return false;
}

// Per tensor and channel: its value, if it has the same one everywhere and always.
class Constants {
 public:
  Constants(const Graph& graph, std::span<const TensorBytes> contents)
      : graph_(graph), values_(graph.tensors.size()) {
    for (std::size_t id = 0; id < graph.tensors.size(); ++id) {
      values_[id].resize(static_cast<std::size_t>(graph.tensors[id].shape.channels));
    }
    // In the order in which they run: whether a channel is constant follows from those before.
    for (const Op& op : graph.ops) {
      if (graph.output_of(op).type != DataType::kInt8) continue;
      for (std::int32_t c = 0; c < graph.output_of(op).shape.channels; ++c) {
        if (is_constant(op, c)) {
          values_[op.output][c] = std::to_integer<std::int8_t>(contents[op.output][c]);
        }
      }
    }
  }

  std::optional<std::int32_t> of(TensorId tensor, std::int32_t channel) const {
    return values_[tensor][channel];
  }

  // Whether a convolution can do without the channel: every tap sees its value, or its value is
  // what padding counts as.
  bool can_fold(const Op& op, std::int32_t channel) const {
    const TensorId input = graph_.inputs_of(op)[0];
    const auto value = of(input, channel);
    if (!value) return false;
    return op.window.padding == Padding{} ||
           *value == graph_.info_of(input).quantization.zero_point;
  }

 private:
  bool is_constant(const Op& op, std::int32_t channel) const {
    switch (flow_of(graph_, op)) {
      case ChannelFlow::kMix: {
        const Weights weights(graph_, op);
        for (std::int32_t i = 0; i < graph_.input_of(op).shape.channels; ++i) {
          if (!can_fold(op, i) && reads(weights, channel, i)) return false;
        }
        return true;
      }
      case ChannelFlow::kMultiply: {
        const std::int32_t multiplier =
            graph_.output_of(op).shape.channels / graph_.input_of(op).shape.channels;
        return !reads(Weights(graph_, op), channel, 0) || can_fold(op, channel / multiplier);
      }
      case ChannelFlow::kConcatenate:
        for (TensorId input : graph_.inputs_of(op)) {
          const std::int32_t channels = graph_.tensors[input].shape.channels;
          if (channel < channels) return of(input, channel).has_value();
          channel -= channels;
        }
        return false;
      case ChannelFlow::kPass:
        return is_constant_alike(op, channel);
      case ChannelFlow::kPad:
        return of(graph_.inputs_of(op)[0], channel) == border_of(graph_, op);
      case ChannelFlow::kStack:
        return is_constant_throughout(op, channel);
      case ChannelFlow::kOpaque:
        return false;
    }
    return false;
  }

  bool is_constant_alike(const Op& op, std::int32_t channel) const {
    for (TensorId input : graph_.inputs_of(op)) {
      const bool is_repeated = graph_.tensors[input].shape.channels == 1;
      if (!of(input, is_repeated ? 0 : channel)) return false;
    }
    const ConstantId operand = graph_.details_of(op).operand;
    if (operand == kNoId) return true;
    // One value per channel, or one for all.
    const Shape shape = shape_of_dims(graph_.constants[operand].dims);
    return shape.height == 1 && shape.width == 1;
  }

  // Parts of one channel may be constant and differ.
  bool is_constant_throughout(const Op& op, std::int32_t channel) const {
    const auto inputs = graph_.inputs_of(op);
    const auto value = of(inputs[0], channel);
    return value && std::all_of(inputs.begin(), inputs.end(),
                                [&](TensorId input) { return of(input, channel) == value; });
  }

  const Graph& graph_;
  std::vector<std::vector<std::optional<std::int32_t>>> values_;
};

// Per tensor: the channels that must stay.
class Needs {
 public:
  Needs(const Graph& graph, const Constants& constants) : graph_(graph), constants_(constants) {
    for (const Tensor& tensor : graph.tensors) {
      needed_.emplace_back(static_cast<std::size_t>(tensor.shape.channels), false);
    }
    for (TensorId id : graph.inputs) need_all(id);
    for (TensorId id : graph.outputs) need_all(id);
    // Those of int4 come in eights, and additions rely on whole ones.
    for (TensorId id = 0; id < static_cast<TensorId>(graph.tensors.size()); ++id) {
      if (graph.tensors[id].type == DataType::kInt4) need_all(id);
    }
    settle();
    for (TensorId id = 0; id < static_cast<TensorId>(needed_.size()); ++id) keep_some(id);
  }

  const Channels& of(TensorId tensor) const { return needed_[tensor]; }

 private:
  void need(TensorId tensor, std::int32_t channel) {
    if (needed_[tensor][channel]) return;
    needed_[tensor][channel] = true;
    has_changed_ = true;
  }
  void need_all(TensorId tensor) {
    for (std::int32_t c = 0; c < graph_.tensors[tensor].shape.channels; ++c) need(tensor, c);
  }

  // One channel; two of a fully connected layer, whose scale for one output is computed otherwise.
  void keep_some(TensorId tensor) {
    const auto least = std::min<std::ptrdiff_t>(2, std::ssize(needed_[tensor]));
    for (std::int32_t c = 0;
         std::count(needed_[tensor].begin(), needed_[tensor].end(), true) < least; ++c) {
      need(tensor, c);
    }
    settle();
  }

  void settle() {
    do {
      has_changed_ = false;
      for (auto op = graph_.ops.rbegin(); op != graph_.ops.rend(); ++op) visit(*op);
    } while (has_changed_);
  }

  void visit(const Op& op) {
    switch (flow_of(graph_, op)) {
      case ChannelFlow::kMix:
        return visit_weights(op);
      case ChannelFlow::kMultiply:
        return visit_depthwise(op);
      case ChannelFlow::kPass:
      case ChannelFlow::kPad:
      case ChannelFlow::kStack:
        return visit_alike(op);
      case ChannelFlow::kConcatenate:
        return visit_concatenation(op);
      case ChannelFlow::kOpaque:
        for (TensorId input : graph_.inputs_of(op)) need_all(input);
        need_all(op.output);
    }
  }

  void visit_weights(const Op& op) {
    const Weights weights(graph_, op);
    const TensorId input = graph_.inputs_of(op)[0];
    for (std::int32_t i = 0; i < graph_.tensors[input].shape.channels; ++i) {
      if (needed_[input][i] || constants_.can_fold(op, i)) continue;
      for (std::int32_t o = 0; o < graph_.output_of(op).shape.channels; ++o) {
        if (!needed_[op.output][o] || !reads(weights, o, i)) continue;
        need(input, i);
        break;
      }
    }
  }

  void visit_depthwise(const Op& op) {
    const TensorId input = graph_.inputs_of(op)[0];
    const std::int32_t channels = graph_.tensors[input].shape.channels;
    const std::int32_t multiplier = graph_.output_of(op).shape.channels / channels;
    for (std::int32_t i = 0; i < channels; ++i) {
      bool is_needed = needed_[input][i];
      for (std::int32_t k = 0; k < multiplier; ++k) {
        is_needed = is_needed || needed_[op.output][i * multiplier + k];
      }
      if (!is_needed) continue;
      need(input, i);
      for (std::int32_t k = 0; k < multiplier; ++k) need(op.output, i * multiplier + k);
    }
  }

  void visit_alike(const Op& op) {
    const std::int32_t channels = graph_.output_of(op).shape.channels;
    const auto is_repeated = [&](TensorId input) {
      return graph_.tensors[input].shape.channels != channels;
    };
    for (std::int32_t c = 0; c < channels; ++c) {
      bool is_needed = needed_[op.output][c];
      for (TensorId input : graph_.inputs_of(op)) {
        is_needed = is_needed || (!is_repeated(input) && needed_[input][c]);
      }
      if (!is_needed) continue;
      need(op.output, c);
      for (TensorId input : graph_.inputs_of(op)) {
        if (!is_repeated(input)) need(input, c);
      }
    }
    for (TensorId input : graph_.inputs_of(op)) {
      if (is_repeated(input)) need_all(input);
    }
  }

  void visit_concatenation(const Op& op) {
    std::int32_t begin = 0;
    for (TensorId input : graph_.inputs_of(op)) {
      const std::int32_t channels = graph_.tensors[input].shape.channels;
      for (std::int32_t c = 0; c < channels; ++c) {
        if (!needed_[input][c] && !needed_[op.output][begin + c]) continue;
        need(input, c);
        need(op.output, begin + c);
      }
      begin += channels;
    }
  }

  const Graph& graph_;
  const Constants& constants_;
  std::vector<Channels> needed_;
  bool has_changed_ = false;
};

std::vector<std::int32_t> indices_of(const Channels& kept) {
  std::vector<std::int32_t> indices;
  for (std::size_t c = 0; c < kept.size(); ++c) {
    if (kept[c]) indices.push_back(static_cast<std::int32_t>(c));
  }
  return indices;
}

// The graph with the channels that are needed.
class Narrowing {
 public:
  Narrowing(const Graph& graph, const Constants& constants, const Needs& needs)
      : graph_(graph), constants_(constants), needs_(needs), result_(graph) {}

  Graph run() {
    for (std::size_t id = 0; id < graph_.tensors.size(); ++id) {
      result_.tensors[id].shape.channels = static_cast<std::int32_t>(kept(TensorId(id)).size());
    }
    for (std::size_t id = 0; id < graph_.ops.size(); ++id) {
      const Op& op = graph_.ops[id];
      const OpDetails& details = graph_.details_of(op);
      if (has_weights(op)) narrow_weights(op, result_.ops[id]);
      if (details.operand != kNoId) narrow_operand(op, result_.ops[id]);
    }
    validate_graph(result_);
    return std::move(result_);
  }

 private:
  std::vector<std::int32_t> kept(TensorId tensor) const { return indices_of(needs_.of(tensor)); }

  ConstantId add(Constant constant) {
    result_.constants.push_back(std::move(constant));
    return static_cast<ConstantId>(result_.constants.size()) - 1;
  }

  // What the channels that are gone add to the sum of an output. Wraps at 32 bits, as sums do.
  std::uint32_t folded_sum(const Op& op, const Weights& weights, std::int32_t output) const {
    const TensorId input = graph_.inputs_of(op)[0];
    const std::int32_t zero_point = graph_.info_of(input).quantization.zero_point;
    std::uint32_t sum = 0;
    for (std::int32_t i = 0; i < graph_.tensors[input].shape.channels; ++i) {
      if (needs_.of(input)[i] || !constants_.can_fold(op, i)) continue;
      const WeightLayout& layout = weights.layout();
      for (std::int32_t place = 0; place < layout.places; ++place) {
        const std::int64_t element = std::int64_t{place} * layout.inputs + i;
        sum += static_cast<std::uint32_t>(weights.at(output, element) *
                                          (*constants_.of(input, i) - zero_point));
      }
    }
    return sum;
  }

  void narrow_weights(const Op& op, Op& narrow) {
    const TensorId input = graph_.inputs_of(op)[0];
    const std::vector<std::int32_t> outputs = kept(op.output);
    const std::vector<std::int32_t> inputs = kept(input);
    const bool is_whole = std::ssize(outputs) == graph_.output_of(op).shape.channels &&
                          std::ssize(inputs) == graph_.tensors[input].shape.channels;
    if (is_whole) return;
    const OpDetails& details = graph_.details_of(op);
    const Constant& old = graph_.constants[details.weights];
    const Weights weights(graph_, op);
    const WeightLayout& layout = weights.layout();
    const WeightLayout narrowed = weight_layout(result_, narrow);
    const bool is_depthwise = layout.order == WeightOrder::kOutputLast;
    // The one "input channel" of a depthwise filter is its own.
    const std::vector<std::int32_t> read = is_depthwise ? std::vector{0} : inputs;

    Constant fewer = old;
    fewer.dims = narrowed.dims();
    std::vector<std::int8_t> values(static_cast<std::size_t>(narrowed.elements()));
    for (std::size_t o = 0; o < outputs.size(); ++o) {
      std::int64_t to = 0;
      for (std::int32_t place = 0; place < layout.places; ++place) {
        for (std::int32_t i : read) {
          const std::int64_t from = std::int64_t{place} * layout.inputs + i;
          values[narrowed.index(static_cast<std::int32_t>(o), to++)] =
              static_cast<std::int8_t>(weights.at(outputs[o], from));
        }
      }
    }
    fewer.data = weight_bytes(values, old.type);
    if (old.scales.size() > 1) {
      fewer.scales.clear();
      for (std::int32_t o : outputs) fewer.scales.push_back(old.scales[o]);
    }

    Constant bias;
    bias.type = DataType::kInt32;
    if (op.has_bias) bias = graph_.constants[details.bias];
    bias.dims = {static_cast<std::int32_t>(outputs.size())};
    if (bias.scales.size() > 1) bias.scales = {};
    bias.data.clear();
    const std::vector<std::int32_t> old_bias = biases_of(graph_, op);
    for (std::int32_t o : outputs) {
      auto value = static_cast<std::uint32_t>(old_bias[o]);
      if (!is_depthwise) value += folded_sum(op, weights, o);
      const auto bytes = std::as_bytes(std::span(&value, 1));
      bias.data.insert(bias.data.end(), bytes.begin(), bytes.end());
    }
    OpDetails changed = details;
    changed.weights = add(std::move(fewer));
    changed.bias = add(std::move(bias));
    narrow.has_bias = true;
    replace_details(narrow, changed);
  }

  void narrow_operand(const Op& op, Op& narrow) {
    const std::vector<std::int32_t> outputs = kept(op.output);
    const Constant& old = graph_.constants[graph_.details_of(op).operand];
    const std::int32_t channels = graph_.output_of(op).shape.channels;
    const std::int32_t own = shape_of_dims(old.dims).channels;
    if (own != channels || std::ssize(outputs) == channels) return;
    Constant fewer = old;
    fewer.data.clear();
    for (std::int64_t at = 0; at < old.elements(); at += own) {
      for (std::int32_t o : outputs) fewer.data.push_back(old.data[at + o]);
    }
    fewer.dims.back() = static_cast<std::int32_t>(outputs.size());
    OpDetails changed = graph_.details_of(op);
    changed.operand = add(std::move(fewer));
    replace_details(narrow, changed);
  }

  // Operators may share their details.
  void replace_details(Op& op, const OpDetails& details) {
    op.details = static_cast<std::int32_t>(result_.details.size());
    result_.details.push_back(details);
  }

  const Graph& graph_;
  const Constants& constants_;
  const Needs& needs_;
  Graph result_;
};

}  // namespace

Graph fold_dead_channels(const Graph& graph, std::span<const TensorBytes> contents) {
  const Constants constants(graph, contents);
  const Needs needs(graph, constants);
  return Narrowing(graph, constants, needs).run();
}

}  // namespace mcunet::engine
