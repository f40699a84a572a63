#include "mcunet/engine/graph/dead_channels.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <set>

#include "generated_model.hpp"
#include "mcunet/engine/graph/shape_inference.hpp"
#include "mcunet/engine/graph/weights.hpp"
#include "mcunet/engine/tflite/reader.hpp"
#include "random_graphs.hpp"
#include "shared_data.hpp"

namespace mcunet::engine {
namespace {

// Networks of a few operators with random weights, some filters of zeros among them.
class NetworkBuilder {
 public:
  explicit NetworkBuilder(unsigned seed, bool mixes_widths = false)
      : mixes_widths_(mixes_widths), generator_(seed) {}

  int between(int least, int most) {
    return std::uniform_int_distribution<int>(least, most)(generator_);
  }
  bool chance(int one_in) { return between(1, one_in) == 1; }

  TensorId input(const Shape& shape) { return named(add_input(graph_, shape), {0.04F, -3}); }

  // Every `one_in`th filter is zero; 0: none is.
  TensorId convolution(TensorId from, std::int32_t outputs, int kernel, bool pads, int one_in,
                       OpKind kind = OpKind::kConv2d) {
    const Shape shape = graph_.tensors[from].shape;
    Op op{.kind = kind};
    op.window.kernel_height = op.window.kernel_width = static_cast<std::int16_t>(kernel);
    if (pads) op.window.padding = same_padding(op.window, shape);
    if (chance(3)) op.activation = Activation::kRelu;
    if (mixes_widths_ && chance(2)) op.weight_bits = 4;
    const int largest = op.weight_bits == 4 ? 7 : 127;
    const bool is_depthwise = kind == OpKind::kDepthwiseConv2d;
    const std::int32_t inputs = kind == OpKind::kFullyConnected
                                    ? static_cast<std::int32_t>(shape.elements())
                                    : shape.channels;
    const std::int32_t taps = kind == OpKind::kFullyConnected ? 1 : kernel * kernel;
    Constant weights;
    weights.type = weight_type(op);
    weights.dims = is_depthwise ? std::vector<std::int32_t>{1, kernel, kernel, outputs}
                   : kind == OpKind::kFullyConnected
                       ? std::vector<std::int32_t>{outputs, inputs}
                       : std::vector<std::int32_t>{outputs, kernel, kernel, inputs};
    weights.channel_axis = is_depthwise ? 3 : 0;
    Constant bias;
    bias.type = DataType::kInt32;
    bias.dims = {outputs};
    std::vector<bool> is_zero;
    for (std::int32_t o = 0; o < outputs; ++o) {
      is_zero.push_back(one_in != 0 && chance(one_in));
      weights.scales.push_back(0.127F / static_cast<float>(largest) *
                               static_cast<float>(between(10, 40)));
      const std::int32_t value = is_zero.back() && chance(2) ? 0 : between(-4000, 4000);
      const auto bytes = std::as_bytes(std::span(&value, 1));
      bias.data.insert(bias.data.end(), bytes.begin(), bytes.end());
    }
    const std::int64_t count = weights.elements();
    std::vector<std::int8_t> values;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::int64_t o = is_depthwise ? i % outputs : i / (count / outputs);
      values.push_back(static_cast<std::int8_t>(is_zero[o] ? 0 : between(-largest, largest)));
    }
    weights.data = weight_bytes(values, weights.type);
    op.has_bias = true;
    OpDetails& details = edit_details(graph_, op);
    details.weights = add(weights);
    details.bias = add(bias);
    const double spread = 74.0 * 74.0 * 0.04 * 0.02 * std::sqrt(taps * (is_depthwise ? 1 : inputs));
    const TensorId out = append_op(graph_, op, {from}, outputs);
    return named(out, {static_cast<float>(spread / 60), between(-30, 30)});
  }
  TensorId depthwise(TensorId from, int kernel, int one_in) {
    return convolution(from, graph_.tensors[from].shape.channels, kernel, true, one_in,
                       OpKind::kDepthwiseConv2d);
  }
  TensorId add(TensorId a, TensorId b) {
    return named(append_op(graph_, {.kind = OpKind::kAdd}, {a, b}), {0.06F, 4});
  }
  TensorId unary(OpKind kind, TensorId from) {
    return named(append_op(graph_, {.kind = kind}, {from}), quantization(from));
  }
  TensorId mean(TensorId from) {
    Op op{.kind = OpKind::kMean};
    edit_details(graph_, op).reduced = {true, true, false};
    return named(append_op(graph_, op, {from}), quantization(from));
  }
  TensorId concatenation(TensorId a, TensorId b) {
    edit_info(graph_, b).quantization = quantization(a);
    return named(append_op(graph_, {.kind = OpKind::kConcatenation}, {a, b}), quantization(a));
  }

  // All biases of the last convolution's output become this.
  void set_bias(TensorId output, std::int32_t value) {
    for (const Op& op : graph_.ops) {
      if (op.output != output) continue;
      auto& data = graph_.constants[graph_.details_of(op).bias].data;
      for (std::size_t at = 0; at < data.size(); at += 4) std::memcpy(&data[at], &value, 4);
    }
  }
  void set_quantization(TensorId id, const Quantization& q) { named(id, q); }
  Quantization quantization(TensorId id) const { return graph_.info_of(id).quantization; }

  Graph finish(std::vector<TensorId> outputs) {
    graph_.outputs = std::move(outputs);
    return graph_;
  }

 private:
  ConstantId add(const Constant& constant) {
    graph_.constants.push_back(constant);
    return static_cast<ConstantId>(graph_.constants.size()) - 1;
  }
  TensorId named(TensorId id, const Quantization& q) {
    edit_info(graph_, id).name = fmt::format("t{}", id);
    edit_info(graph_, id).quantization = q;
    return id;
  }

  bool mixes_widths_;  // weights of 4 and of 8 bits
  Graph graph_;
  std::mt19937 generator_;
};

// An inverted residual with a head, as the mobile networks have them.
Graph random_network(unsigned seed) {
  NetworkBuilder b(seed, /*mixes_widths=*/seed % 2 == 1);
  const TensorId image = b.input({b.between(3, 7), b.between(3, 7), 3});
  const TensorId stem = b.convolution(image, b.between(4, 7), 3, b.chance(2), 3);
  const TensorId expanded = b.convolution(stem, b.between(5, 12), 1, false, 3);
  const TensorId active = b.unary(b.chance(2) ? OpKind::kRelu6 : OpKind::kHardSwish, expanded);
  const TensorId filtered = b.depthwise(b.chance(3) ? expanded : active, b.chance(2) ? 3 : 5, 3);
  const auto stem_channels = 4 + (filtered & 1);
  const TensorId projected = b.convolution(filtered, b.between(4, 7), 1, false, 3);
  const TensorId parallel = b.convolution(filtered, 5, 1, false, 2);
  TensorId joined = b.concatenation(projected, parallel);
  const TensorId left = b.convolution(joined, stem_channels, 1, false, 2);
  const TensorId right = b.convolution(joined, stem_channels, 3, true, 2);
  joined = b.add(left, right);
  const TensorId features = b.chance(2) ? b.mean(joined) : joined;
  const TensorId hidden = b.convolution(features, 6, 1, false, 2, OpKind::kFullyConnected);
  return b.finish({b.convolution(hidden, 3, 1, false, 0, OpKind::kFullyConnected)});
}

std::int64_t channels_of(const Graph& graph) {
  std::int64_t sum = 0;
  for (const Tensor& tensor : graph.tensors) sum += tensor.shape.channels;
  return sum;
}

TEST(DeadChannels, OutputsOfRandomNetworksStayTheSame) {
  std::int64_t removed = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    const Graph graph = random_network(seed);
    const Graph folded = fold_dead_channels(graph, contents_of_zeros(graph));
    removed += channels_of(graph) - channels_of(folded);
    EXPECT_LE(cost_of(folded).macs, cost_of(graph).macs);
    for (std::uint64_t trial = 0; trial < 2; ++trial) {
      const std::vector<TensorBytes> inputs = random_inputs(graph, trial);
      ASSERT_EQ(execute(folded, inputs), execute(graph, inputs)) << "seed " << seed;
    }
  }
  EXPECT_GT(removed, 300 * 5);
}

TEST(DeadChannels, GeneratedCodeComputesWhatTheWholeNetworkComputes) {
  for (unsigned seed = 0; seed < 8; ++seed) {
    const Graph graph = random_network(seed);
    const GeneratedModel model(compile_graph(graph, {.folds_dead_channels = true}),
                               fmt::format("generated-folded-{}", seed));
    const std::vector<TensorBytes> inputs = random_inputs(graph, 1);
    ASSERT_EQ(model.run(inputs), execute(graph, inputs)) << "seed " << seed;
  }
}

// A network whose middle tensor has only zero filters, with a bias that makes it a constant.
struct Fold {
  std::int32_t before;
  std::int32_t after;
};
Fold fold_middle(std::int32_t constant_bias, int kernel, bool pads) {
  NetworkBuilder b(7);
  const TensorId image = b.input({6, 6, 3});
  const TensorId middle = b.convolution(image, 8, 1, false, /*one_in=*/1);
  b.set_bias(middle, constant_bias);
  const Graph graph = b.finish({b.convolution(middle, 4, kernel, pads, 0)});
  const Graph folded = fold_dead_channels(graph, contents_of_zeros(graph));
  const std::vector<TensorBytes> inputs = random_inputs(graph, 2);
  EXPECT_EQ(execute(folded, inputs), execute(graph, inputs));
  return {graph.tensors[middle].shape.channels, folded.tensors[middle].shape.channels};
}

TEST(DeadChannels, ConstantsGoUnlessPaddingDiffersFromThem) {
  constexpr std::int32_t kLeast = 2;  // what every tensor keeps
  EXPECT_EQ(fold_middle(3000, 1, false).after, kLeast);
  EXPECT_EQ(fold_middle(3000, 3, false).after, kLeast);
  EXPECT_EQ(fold_middle(0, 3, true).after, kLeast) << "the zero point itself";
  EXPECT_EQ(fold_middle(3000, 3, true).after, 8) << "the border is another constant";
}

// Biases near the ends of 32 bits: a constant's share of a sum wraps it, and so does what is folded.
TEST(DeadChannels, FoldedBiasesWrapAsSumsDo) {
  NetworkBuilder b(9);
  const TensorId image = b.input({5, 5, 4});
  const TensorId middle = b.convolution(image, 9, 1, false, /*one_in=*/1);
  b.set_bias(middle, 3000);
  const TensorId last = b.convolution(middle, 8, 3, false, 0);
  b.set_bias(last, std::numeric_limits<std::int32_t>::max() - 100);
  Graph graph = b.finish({last});
  // A step of the output is 2^25 of the sum.
  Op& op = graph.ops.back();
  op.activation = Activation::kNone;
  const float scale = graph.info_of(last).quantization.scale /
                      graph.info_of(middle).quantization.scale * std::ldexp(1.0F, -25);
  for (float& own : graph.constants[graph.details_of(op).weights].scales) own = scale;
  const Graph folded = fold_dead_channels(graph, contents_of_zeros(graph));
  ASSERT_LT(folded.tensors[middle].shape.channels, 9);
  const std::vector<TensorBytes> inputs = random_inputs(graph, 1);
  const std::vector<TensorBytes> outputs = execute(graph, inputs);
  EXPECT_EQ(execute(folded, inputs), outputs);
  const std::int32_t zero = graph.info_of(last).quantization.zero_point;
  std::set<std::int32_t> signs;
  for (std::byte value : outputs[0]) signs.insert(std::to_integer<std::int8_t>(value) > zero);
  EXPECT_EQ(signs.size(), 2U) << "some sums wrap, others do not";
}

TEST(DeadChannels, ResidualsKeepWhatTheOtherSideNeeds) {
  NetworkBuilder b(3);
  const TensorId image = b.input({4, 4, 6});
  const TensorId dead = b.convolution(image, 6, 1, false, /*one_in=*/1);
  const TensorId live = b.convolution(image, 6, 1, false, 0);
  const TensorId also_dead = b.convolution(image, 6, 1, false, 1);
  const TensorId mixed = b.add(dead, live);
  const TensorId constant = b.add(dead, also_dead);
  const Graph graph =
      b.finish({b.convolution(mixed, 2, 1, false, 0), b.convolution(constant, 2, 1, false, 0)});
  const Graph folded = fold_dead_channels(graph, contents_of_zeros(graph));
  EXPECT_EQ(folded.tensors[dead].shape.channels, 6);
  EXPECT_EQ(folded.tensors[mixed].shape.channels, 6);
  const std::vector<TensorBytes> inputs = random_inputs(graph, 2);
  EXPECT_EQ(execute(folded, inputs), execute(graph, inputs));
}

// Of four bits all channels stay, and what is constant in int8 behind them is folded as ever.
TEST(DeadChannels, ActivationsOfFourBitsKeepTheirs) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    Graph graph = random_narrow_network(seed);
    for (const Op& op : graph.ops) {
      if (!has_weights(op)) continue;
      const WeightLayout layout = weight_layout(graph, op);
      Constant& constant = graph.constants[graph.details_of(op).weights];
      std::vector<std::int8_t> values = weight_values(constant);
      for (std::int32_t c = 0; c < layout.outputs; c += 3) {
        for (std::int64_t i = 0; i < layout.per_output(); ++i) values[layout.index(c, i)] = 0;
      }
      constant.data = weight_bytes(values, constant.type);
    }
    const Graph folded = fold_dead_channels(graph, contents_of_zeros(graph));
    const std::vector<TensorBytes> inputs = random_inputs(graph, seed);
    EXPECT_EQ(execute(folded, inputs), execute(graph, inputs)) << seed;
    for (std::size_t id = 0; id < graph.tensors.size(); ++id) {
      const bool is_int4 = graph.tensors[id].type == DataType::kInt4;
      EXPECT_TRUE(!is_int4 || folded.tensors[id] == graph.tensors[id]) << seed << " " << id;
    }
  }
}

// What only filters of zeros read goes, too.
TEST(DeadChannels, ZeroDepthwiseFiltersTakeTheirExpansionAlong) {
  NetworkBuilder b(5);
  const TensorId image = b.input({5, 5, 3});
  const TensorId expanded = b.convolution(image, 8, 1, false, 0);
  const TensorId filtered = b.depthwise(expanded, 3, /*one_in=*/1);
  const Graph graph = b.finish({b.convolution(filtered, 4, 1, false, 0)});
  const Graph folded = fold_dead_channels(graph, contents_of_zeros(graph));
  EXPECT_EQ(folded.tensors[expanded].shape.channels, 2);
  EXPECT_EQ(folded.tensors[filtered].shape.channels, 2);
}

TEST(DeadChannels, RealModelsComputeTheSame) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  for (const char* name : {"mcunet_vww", "mlperf_ic_resnet", "mlperf_kws"}) {
    const Graph graph = read_tflite(data / "tflite" / fmt::format("{}.tflite", name));
    const CompiledGraph plain = compile_graph(graph);
    const CompiledGraph folded = compile_graph(graph, {.folds_dead_channels = true});
    for (std::uint64_t trial = 0; trial < 2; ++trial) {
      const std::vector<TensorBytes> inputs = random_inputs(plain.graph, trial);
      EXPECT_EQ(execute(folded.graph, inputs), execute(plain.graph, inputs)) << name;
    }
    EXPECT_LE(folded.arena.plan.arena_bytes, plain.arena.plan.arena_bytes) << name;
    RecordProperty(fmt::format("{}_macs_saved", name),
                   std::to_string(cost_of(plain.graph).macs - cost_of(folded.graph).macs));
  }
}

}  // namespace
}  // namespace mcunet::engine
