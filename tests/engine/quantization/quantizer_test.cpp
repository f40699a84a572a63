#include "mcunet/engine/quantization/quantizer.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <vector>

#include "core/error_text.hpp"
#include "mcunet/core/random.hpp"
#include "mcunet/engine/arithmetic/quantized_arithmetic.hpp"
#include "mcunet/engine/graph/weights.hpp"
#include "mcunet/engine/reference/reference_executor.hpp"
#include "mcunet/engine/tflite/reader.hpp"
#include "mcunet/engine/tflite/writer.hpp"

namespace mcunet::engine {
namespace {

using Values = std::vector<float>;

// A stem, a depthwise separable block with a residual, and a classifier: what lowered networks are
// made of, small enough for plain float loops.
Graph small_network() {
  Graph graph;
  const TensorId image = add_input(graph, {9, 9, 3});
  const auto conv = [&](TensorId input, OpKind kind, int kernel, int stride, Activation activation,
                        int channels) {
    return append_op(
        graph, {.kind = kind, .activation = activation, .window = centred_window(kernel, stride)},
        {input}, channels);
  };
  const TensorId stem = conv(image, OpKind::kConv2d, 3, 2, Activation::kRelu6, 8);
  const TensorId wide = conv(stem, OpKind::kConv2d, 1, 1, Activation::kRelu6, 16);
  const TensorId depthwise = conv(wide, OpKind::kDepthwiseConv2d, 3, 1, Activation::kRelu6, 16);
  const TensorId narrow = conv(depthwise, OpKind::kConv2d, 1, 1, Activation::kNone, 8);
  const TensorId sum = append_op(graph, {.kind = OpKind::kAdd, .has_bias = false}, {stem, narrow});
  Op pool{.kind = OpKind::kAveragePool2d, .has_bias = false};
  pool.window.kernel_height = 5;
  pool.window.kernel_width = 5;
  const TensorId pooled = append_op(graph, pool, {sum});
  graph.outputs = {append_op(graph, {.kind = OpKind::kFullyConnected}, {pooled}, 4)};
  return graph;
}

std::int64_t weight_count(const Graph& graph, const Op& op) { return cost_of(graph, op).weights; }

std::vector<FloatParameters> random_parameters(const Graph& graph, RandomStream& random) {
  std::vector<FloatParameters> parameters(graph.ops.size());
  for (std::size_t id = 0; id < graph.ops.size(); ++id) {
    const Op& op = graph.ops[id];
    if (!op.has_bias) continue;
    const std::int32_t channels = graph.output_of(op).shape.channels;
    parameters[id].weights.resize(static_cast<std::size_t>(weight_count(graph, op)));
    parameters[id].bias.resize(static_cast<std::size_t>(channels));
    const auto fan_in = static_cast<double>(weight_count(graph, op)) / channels;
    for (float& weight : parameters[id].weights) {
      weight = static_cast<float>((random.uniform() * 2 - 1) * 2 / std::sqrt(fan_in));
    }
    for (float& bias : parameters[id].bias) {
      bias = static_cast<float>(random.uniform() - 0.3);
    }
  }
  return parameters;
}

float clamped(Activation activation, double value) {
  return static_cast<float>(activation == Activation::kRelu6 ? std::clamp(value, 0.0, 6.0) : value);
}

// Every tensor of the network in float, by plain loops that know nothing of the engine's kernels.
std::vector<Values> run_float(const Graph& graph, const std::vector<FloatParameters>& parameters,
                              const Values& image) {
  std::vector<Values> tensors(graph.tensors.size());
  tensors[graph.inputs[0]] = image;
  for (std::size_t id = 0; id < graph.ops.size(); ++id) {
    const Op& op = graph.ops[id];
    const Values& input = tensors[graph.inputs_of(op)[0]];
    const Shape& in = graph.input_of(op).shape;
    const Shape& out = graph.output_of(op).shape;
    Values& output = tensors[op.output];
    for (int y = 0; y < out.height; ++y) {
      for (int x = 0; x < out.width; ++x) {
        for (int c = 0; c < out.channels; ++c) {
          double sum = op.has_bias ? parameters[id].bias[c] : 0;
          const Window& w = op.window;
          for (int ky = 0; ky < w.kernel_height; ++ky) {
            for (int kx = 0; kx < w.kernel_width; ++kx) {
              const int iy = y * w.stride_height - w.padding.top + ky;
              const int ix = x * w.stride_width - w.padding.left + kx;
              if (iy < 0 || ix < 0 || iy >= in.height || ix >= in.width) continue;
              const std::size_t pixel = (std::size_t{0} + iy) * in.width + ix;
              if (op.kind == OpKind::kDepthwiseConv2d) {
                sum += double{input[pixel * in.channels + c]} *
                       parameters[id].weights[(ky * w.kernel_width + kx) * out.channels + c];
              } else if (op.kind == OpKind::kConv2d || op.kind == OpKind::kFullyConnected) {
                for (int i = 0; i < in.channels; ++i) {
                  const std::size_t at =
                      ((std::size_t{0} + c) * w.kernel_height + ky) * w.kernel_width + kx;
                  sum += double{input[pixel * in.channels + i]} *
                         parameters[id].weights[at * in.channels + i];
                }
              } else if (op.kind == OpKind::kAveragePool2d) {
                sum += double{input[pixel * in.channels + c]} / (in.height * in.width);
              } else {
                sum += double{input[pixel * in.channels + c]} +
                       tensors[graph.inputs_of(op)[1]][pixel * in.channels + c];
              }
            }
          }
          output.push_back(clamped(op.activation, sum));
        }
      }
    }
  }
  return tensors;
}

struct Calibrated {
  Graph graph;
  Graph quantized;
  std::vector<FloatParameters> parameters;
  std::vector<Values> images;
};

Calibrated calibrated_network(std::uint64_t seed) {
  RandomStream random(seed);
  Calibrated result;
  result.graph = small_network();
  result.parameters = random_parameters(result.graph, random);
  std::vector<RealRange> ranges(result.graph.tensors.size());
  for (int image = 0; image < 20; ++image) {
    Values pixels(static_cast<std::size_t>(result.graph.tensors[0].shape.elements()));
    for (float& pixel : pixels) pixel = static_cast<float>(random.uniform() * 2 - 1);
    const auto tensors = run_float(result.graph, result.parameters, pixels);
    for (std::size_t id = 0; id < tensors.size(); ++id) {
      const auto [low, high] = std::minmax_element(tensors[id].begin(), tensors[id].end());
      ranges[id] = {std::min(ranges[id].min, *low), std::max(ranges[id].max, *high)};
    }
    result.images.push_back(std::move(pixels));
  }
  result.quantized = quantize_graph(result.graph, result.parameters, ranges);
  return result;
}

TensorBytes quantized_image(const Graph& graph, const Values& image) {
  TensorBytes bytes;
  for (float value : image) {
    bytes.push_back(static_cast<std::byte>(
        quantize_value(value, graph.info_of(graph.inputs[0]).quantization, {})));
  }
  return bytes;
}

TEST(Quantizer, RangesAreCoveredAndHoldZeroExactly) {
  const Quantization relu6 = activation_quantization({0, 6}, DataType::kInt8);
  EXPECT_FLOAT_EQ(relu6.scale, 6.0F / 255);
  EXPECT_EQ(relu6.zero_point, -128);
  const Quantization positive = activation_quantization({3, 6}, DataType::kInt8);
  EXPECT_EQ(positive, relu6);
  const Quantization negative = activation_quantization({-6, -3}, DataType::kInt8);
  EXPECT_EQ(negative.zero_point, 127);
  const Quantization both = activation_quantization({-1, 3}, DataType::kInt8);
  EXPECT_FLOAT_EQ(both.scale, 4.0F / 255);
  EXPECT_EQ(both.zero_point, -64);
  EXPECT_EQ(activation_quantization({0, 0}, DataType::kInt8), (Quantization{1.0F / 255, 0}));
}

TEST(Quantizer, IntegerOutputsAreNearTheFloatOnes) {
  for (std::uint64_t seed : {1, 2, 3, 4, 5}) {
    const Calibrated network = calibrated_network(seed);
    const Quantization output =
        network.quantized.info_of(network.quantized.outputs[0]).quantization;
    double squared_error = 0;
    double squared_signal = 0;
    for (const Values& image : network.images) {
      const Values expected = run_float(network.graph, network.parameters, image).back();
      const TensorBytes bytes =
          execute(network.quantized, {{quantized_image(network.quantized, image)}})[0];
      for (std::size_t i = 0; i < bytes.size(); ++i) {
        const double real =
            output.scale * (std::to_integer<std::int8_t>(bytes[i]) - output.zero_point);
        squared_error += (real - expected[i]) * (real - expected[i]);
        squared_signal += double{expected[i]} * expected[i];
      }
    }
    EXPECT_LT(std::sqrt(squared_error / squared_signal), 0.03) << "seed " << seed;
  }
}

TEST(Quantizer, WeightsOfConvolutionsHaveAScalePerChannel) {
  const Calibrated network = calibrated_network(7);
  for (std::size_t id = 0; id < network.quantized.ops.size(); ++id) {
    const Op& op = network.quantized.ops[id];
    if (!op.has_bias) continue;
    const Constant& weights = network.quantized.constants[network.quantized.details_of(op).weights];
    const bool is_convolution = op.kind != OpKind::kFullyConnected;
    const auto channels = static_cast<std::size_t>(network.quantized.output_of(op).shape.channels);
    EXPECT_EQ(weights.scales.size(), is_convolution ? channels : 1U);
    int largest = 0;
    for (std::byte byte : weights.data) {
      largest = std::max(largest, std::abs(std::to_integer<std::int8_t>(byte)));
    }
    EXPECT_EQ(largest, 127);
  }
}

// A graph of one convolution of a pixel, or of one fully connected layer, with a scale of 0.5 at its input.
Graph one_layer(OpKind kind, int inputs, int outputs, int weight_bits = 8) {
  Graph graph;
  const TensorId input = add_input(graph, {1, 1, inputs});
  graph.outputs = {append_op(graph, {.kind = kind}, {input}, outputs)};
  set_weight_bits(graph, weight_bits);
  edit_info(graph, input).quantization.scale = 0.5F;
  return graph;
}

Values scales_of(const Graph& graph, const FloatParameters& floats) {
  return weight_scales(graph, graph.ops[0], floats);
}

TEST(Quantizer, ScalesOfWeightsComeFromTheLargestMagnitudes) {
  const FloatParameters floats{.weights = {-1.27F, 0.1F, 0.254F, 0, 0, 0, 0, 0, 1e-12F, -1e-13F},
                               .bias = {1, -1, 0, -8, 1}};
  const Values scales = scales_of(one_layer(OpKind::kConv2d, 2, 5), floats);
  ASSERT_EQ(scales.size(), 5U);
  EXPECT_FLOAT_EQ(scales[0], 0.01F);
  EXPECT_FLOAT_EQ(scales[1], 0.002F);
  EXPECT_FLOAT_EQ(scales[2], 1.0F / 127);
  // The bias is 2^30 steps.
  EXPECT_FLOAT_EQ(scales[3], 8 / 0.5F / (1 << 30));
  EXPECT_FLOAT_EQ(scales[4], 1 / 0.5F / (1 << 30));
  EXPECT_THAT(scales_of(one_layer(OpKind::kFullyConnected, 2, 5), floats),
              testing::ElementsAre(scales[0]));

  // They are those of the graph, bit by bit.
  const Calibrated network = calibrated_network(13);
  for (std::size_t id = 0; id < network.quantized.ops.size(); ++id) {
    const Op& op = network.quantized.ops[id];
    if (!op.has_bias) continue;
    EXPECT_EQ(weight_scales(network.quantized, op, network.parameters[id]),
              network.quantized.constants[network.quantized.details_of(op).weights].scales);
  }
}

// Of rounding with a scale in 4 bits.
double squared_error(const Values& weights, double scale) {
  double sum = 0;
  for (const float weight : weights) {
    const double steps = std::clamp(std::round(weight / scale), -7.0, 7.0);
    sum += (weight - steps * scale) * (weight - steps * scale);
  }
  return sum;
}

TEST(Quantizer, ScalesOfFourBitsHaveTheLeastErrorOfAFew) {
  RandomStream random(5);
  constexpr int kInputs = 64;
  constexpr int kOutputs = 16;
  FloatParameters floats{.weights = {}, .bias = Values(kOutputs, 0)};
  for (int i = 0; i < kInputs * kOutputs; ++i) {
    // A heavy tail, as trained weights have it.
    const double x = random.uniform() * 2 - 1;
    floats.weights.push_back(static_cast<float>(x * x * x));
  }
  for (const OpKind kind : {OpKind::kConv2d, OpKind::kFullyConnected}) {
    const Values scales = scales_of(one_layer(kind, kInputs, kOutputs, 4), floats);
    ASSERT_EQ(scales.size(), std::size_t{kOutputs});
    int clipped = 0;
    for (int c = 0; c < kOutputs; ++c) {
      const Values channel(floats.weights.begin() + c * kInputs,
                           floats.weights.begin() + (c + 1) * kInputs);
      float largest = 0;
      for (const float weight : channel) largest = std::max(largest, std::abs(weight));
      const double error = squared_error(channel, scales[c]);
      for (double share = 1; share > 0.39; share -= 0.05) {
        EXPECT_LE(error, squared_error(channel, share * largest / 7) * (1 + 1e-5)) << share;
      }
      clipped += scales[c] < largest / 7 * 0.99F ? 1 : 0;
    }
    EXPECT_GT(clipped, kOutputs / 2);
  }
}

TEST(Quantizer, ScalesOfFourBitsDoNotClipWhatNeedsNone) {
  const FloatParameters floats{.weights = {0.7F, -0.3F, 0, 0, 0, 0, 1e-12F, 0},
                               .bias = {0, 0, -8, 1}};
  const Values scales = scales_of(one_layer(OpKind::kConv2d, 2, 4, 4), floats);
  ASSERT_EQ(scales.size(), 4U);
  EXPECT_FLOAT_EQ(scales[0], 0.1F);
  EXPECT_FLOAT_EQ(scales[1], 1.0F / 7);
  EXPECT_FLOAT_EQ(scales[2], 8 / 0.5F / (1 << 30));
  EXPECT_FLOAT_EQ(scales[3], 1 / 0.5F / (1 << 30));
}

TEST(Quantizer, ADeadChannelIsItsBias) {
  Graph graph;
  const TensorId input = add_input(graph, {2, 2, 3});
  graph.outputs = {append_op(graph, {.kind = OpKind::kConv2d}, {input}, 2)};
  std::vector<FloatParameters> parameters(1);
  parameters[0].weights = {0, 0, 0, 0.5F, -0.25F, 0.125F};
  parameters[0].bias = {1.5F, -0.5F};
  const Graph quantized =
      quantize_graph(graph, parameters, std::vector<RealRange>{{-1, 1}, {-2, 2}});
  const Quantization q = quantized.info_of(quantized.outputs[0]).quantization;
  const TensorBytes output = execute(quantized, {{TensorBytes(12, std::byte{17})}})[0];
  EXPECT_NEAR(q.scale * (std::to_integer<std::int8_t>(output[0]) - q.zero_point), 1.5, q.scale);
}

TEST(Quantizer, WritesModelsThatReadBackTheSame) {
  const Calibrated network = calibrated_network(11);
  const Graph read = read_tflite(write_tflite(network.quantized), "memory");
  // The pooled window and the residual are plain TFLite operators: outputs agree in every bit.
  for (const Values& image : network.images) {
    const TensorBytes input = quantized_image(network.quantized, image);
    EXPECT_EQ(execute(read, {{input}}), execute(network.quantized, {{input}}));
  }
}

TEST(Quantizer, RefusesWhatDoesNotFitTheGraph) {
  const Graph graph = small_network();
  RandomStream random(3);
  const std::vector<FloatParameters> parameters = random_parameters(graph, random);
  const std::vector<RealRange> ranges(graph.tensors.size(), {-1, 1});
  EXPECT_THAT(error_of([&] {
                (void)quantize_graph(graph, parameters, std::vector<RealRange>{{0, 1}});
              }),
              testing::HasSubstr("1 ranges"));
  auto truncated = parameters;
  truncated[0].weights.pop_back();
  EXPECT_THAT(error_of([&] { (void)quantize_graph(graph, truncated, ranges); }),
              testing::HasSubstr("operator 0 (conv_2d) needs 216 weights"));
  auto infinite = parameters;
  infinite[1].bias[0] = INFINITY;
  EXPECT_THAT(error_of([&] { (void)quantize_graph(graph, infinite, ranges); }),
              testing::HasSubstr("not finite"));
  auto backwards = ranges;
  backwards[2] = {1, -1};
  EXPECT_THAT(error_of([&] { (void)quantize_graph(graph, parameters, backwards); }),
              testing::HasSubstr("tensor 2"));
}

// The quantizer and the validator read the same column of the table of operators.
TEST(Quantizer, JoinedTensorsShareOneQuantization) {
  Graph graph;
  const TensorId first = add_input(graph, {4, 4, 2});
  const TensorId second = add_input(graph, {2, 4, 2});
  const TensorId third = add_input(graph, {4, 4, 2});
  Op resize{.kind = OpKind::kResizeNearestNeighbor, .has_bias = false};
  const TensorId resized =
      append_op(graph, resize, std::span(&second, 1), Tensor{{4, 4, 2}, DataType::kInt8});
  graph.outputs = {append_op(graph, {.kind = OpKind::kConcatenation}, {first, resized, third})};
  const std::vector<RealRange> ranges = {{-1, 1}, {0, 3}, {-2, 0}, {-100, 100}, {-200, 200}};
  const Graph quantized = quantize_graph(graph, std::vector<FloatParameters>(2), ranges);
  for (std::size_t id = 0; id < ranges.size(); ++id) {
    EXPECT_EQ(quantized.info_of(static_cast<TensorId>(id)).quantization,
              activation_quantization({-2, 3}, DataType::kInt8))
        << id;
  }
}

TEST(Quantizer, ProbabilitiesHaveThePrescribedQuantization) {
  Graph graph;
  const TensorId input = add_input(graph, {1, 1, 10});
  const TensorId softmax = append_op(graph, {.kind = OpKind::kSoftmax, .has_bias = false}, {input});
  const Op reshape{.kind = OpKind::kReshape, .has_bias = false};
  graph.outputs = {
      append_op(graph, reshape, std::span(&softmax, 1), Tensor{{1, 10, 1}, DataType::kInt8})};
  const std::vector<RealRange> ranges = {{-4, 4}, {0, 0.7F}, {0, 0.7F}};
  const Graph quantized = quantize_graph(graph, std::vector<FloatParameters>(2), ranges);
  EXPECT_EQ(quantized.info_of(1).quantization, (Quantization{1.0F / 256, -128}));
  EXPECT_EQ(quantized.info_of(2).quantization, (Quantization{1.0F / 256, -128}));
}

}  // namespace
}  // namespace mcunet::engine
