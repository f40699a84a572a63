#include "mcunet/engine/random_weights.hpp"

#include <fmt/format.h>

#include <cmath>
#include <span>

#include "mcunet/core/error.hpp"

namespace mcunet::engine {
namespace {

// Root mean square of uniform int8 values.
constexpr double kSpread = 74;

// As calibration gives it: the range of a clamped output is the clamp's, so that the clamp costs
// nothing.
Quantization output_quantization(Activation activation) {
  switch (activation) {
    case Activation::kRelu:
    case Activation::kRelu6:
      return {6.0F / 255, -128};
    case Activation::kReluN1To1:
      return {2.0F / 255, 0};
    case Activation::kNone:
      break;
  }
  return {0.05F, -5};
}

std::vector<std::byte> random_weights(std::int64_t count, RandomStream& random) {
  std::vector<std::byte> bytes;
  for (std::int64_t i = 0; i < count; ++i) {
    const int value = static_cast<int>(random.index(255)) - 127;  // symmetric: no -128
    bytes.push_back(static_cast<std::byte>(static_cast<unsigned char>(value)));
  }
  return bytes;
}

// Weights and bias of a layer, of a scale under which its sums spread over the range of its output.
void add_layer(Graph& graph, Op& op, RandomStream& random) {
  const Shape input = graph.input_of(op).shape;
  const std::int32_t outputs = graph.output_of(op).shape.channels;
  const std::int32_t height = op.window.kernel_height;
  const std::int32_t width = op.window.kernel_width;
  Constant weights{.name = fmt::format("weights_{}", graph.constants.size())};
  if (op.kind == OpKind::kDepthwiseConv2d) {
    weights.dims = {1, height, width, outputs};
    weights.channel_axis = 3;
  } else if (op.kind == OpKind::kConv2d) {
    weights.dims = {outputs, height, width, input.channels};
  } else {
    weights.dims = {outputs, static_cast<std::int32_t>(input.elements())};
  }
  weights.data = random_weights(weights.elements(), random);
  const double spread =
      kSpread * kSpread * std::sqrt(static_cast<double>(weights.elements() / outputs));
  const float input_scale = graph.info_of(graph.op_inputs[op.first_input]).quantization.scale;
  const float output_scale = graph.info_of(op.output).quantization.scale;
  weights.scales.assign(static_cast<std::size_t>(outputs),
                        static_cast<float>(60 * output_scale / (spread * input_scale)));
  Constant bias{.name = fmt::format("bias_{}", graph.constants.size()),
                .type = DataType::kInt32,
                .dims = {outputs}};
  for (std::int32_t c = 0; c < outputs; ++c) {
    const auto value = static_cast<std::int32_t>((2 * random.uniform() - 1) * spread);
    const auto bytes = std::as_bytes(std::span(&value, 1));
    bias.data.insert(bias.data.end(), bytes.begin(), bytes.end());
  }
  const auto first = static_cast<ConstantId>(graph.constants.size());
  OpDetails& details = edit_details(graph, op);
  details.weights = first;
  details.bias = first + 1;
  op.has_bias = true;
  graph.constants.push_back(std::move(weights));
  graph.constants.push_back(std::move(bias));
}

void quantize(Graph& graph, TensorId tensor, const Quantization& quantization) {
  TensorInfo& info = edit_info(graph, tensor);
  info.name = fmt::format("tensor_{}", tensor);
  info.quantization = quantization;
}

}  // namespace

void fill_random_weights(Graph& graph, RandomStream& random) {
  if (!graph.constants.empty()) throw Error("the graph has weights already");
  for (TensorId input : graph.inputs) quantize(graph, input, {0.02F, 3});
  for (Op& op : graph.ops) {
    const Quantization input = graph.info_of(graph.op_inputs[op.first_input]).quantization;
    switch (op.kind) {
      case OpKind::kConv2d:
      case OpKind::kDepthwiseConv2d:
      case OpKind::kFullyConnected:
        quantize(graph, op.output, output_quantization(op.activation));
        add_layer(graph, op, random);
        break;
      case OpKind::kAveragePool2d:
      case OpKind::kMaxPool2d:
        quantize(graph, op.output, input);
        break;
      case OpKind::kAdd:
        quantize(graph, op.output, {1.3F * input.scale, 7});
        break;
      default:
        throw Error("random weights: {} is not among the operators they are made for",
                    name_of(op.kind));
    }
  }
}

}  // namespace mcunet::engine
