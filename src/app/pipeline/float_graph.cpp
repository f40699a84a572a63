#include "float_graph.hpp"

#include <ATen/ops/adaptive_avg_pool2d.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>

#include "mcunet/core/error.hpp"

namespace mcunet::pipeline {
namespace {

using engine::FloatParameters;
using engine::OpKind;

// w * gamma / sqrt(variance + epsilon) and beta - mean * that, in double precision.
OpTensors fold(const supernet::ConvBatchNorm& unit) {
  const auto wide = [](const at::Tensor& tensor) { return tensor.to(at::kDouble); };
  const at::Tensor factor =
      wide(unit->bn_weight) / at::sqrt(wide(unit->running_var) + unit->shape().epsilon);
  const at::Tensor bias = wide(unit->bn_bias) - wide(unit->running_mean) * factor;
  const at::Tensor weight = wide(unit->weight) * factor.view({-1, 1, 1, 1});
  return {weight.to(at::kFloat), bias.to(at::kFloat)};
}

bool is_convolution(const engine::Op& op) {
  return op.kind == OpKind::kConv2d || op.kind == OpKind::kDepthwiseConv2d;
}

at::Tensor from_floats(const std::vector<float>& values, at::IntArrayRef sizes) {
  return at::from_blob(const_cast<float*>(values.data()), sizes, at::kFloat).clone();
}

std::span<const float> values_of(const at::Tensor& dense) {
  return {dense.data_ptr<float>(), static_cast<std::size_t>(dense.numel())};
}

// [out, in, h, w] -> [out, h, w, in], depthwise [out, 1, h, w] -> [1, h, w, out].
at::Tensor to_engine_layout(OpKind kind, const at::Tensor& weight) {
  if (kind == OpKind::kConv2d) return weight.permute({0, 2, 3, 1});
  return kind == OpKind::kDepthwiseConv2d ? weight.permute({1, 2, 3, 0}) : weight;
}

search::space::Form form_of(const engine::Window& window) {
  return window.kernel_height == window.kernel_width ? search::space::Form::kSquare
                                                     : search::space::Form::kLine;
}

// Backwards, our own kernels take half the time of libtorch's. They want a normalization, which is
// made the identity but for the bias.
at::Tensor convolve_in_training(const engine::Op& op, const at::Tensor& input,
                                const OpTensors& parameters) {
  const at::Tensor zeros = at::zeros_like(parameters.bias).detach();
  const at::Tensor ones = at::ones_like(zeros);
  return supernet::conv_batch_norm(input, /*residual=*/{},
                                   {.weight = parameters.weight,
                                    .bn_weight = ones,
                                    .bn_bias = parameters.bias,
                                    .running_mean = zeros,
                                    .running_var = ones},
                                   {.in_channels = input.size(1),
                                    .out_channels = parameters.weight.size(0),
                                    .form = form_of(op.window),
                                    .kernel = op.window.kernel_width,
                                    .stride = op.window.stride_width,
                                    .depthwise = op.kind == OpKind::kDepthwiseConv2d,
                                    .activation = engine::Activation::kNone,
                                    .epsilon = 0},
                                   supernet::NormStatistics{});
}

at::Tensor run_op(const engine::Graph& graph, std::size_t id, const OpTensors& parameters,
                  std::span<const at::Tensor> inputs) {
  const engine::Op& op = graph.ops[id];
  const at::Tensor& input = inputs[0];
  const std::int64_t strides[] = {op.window.stride_height, op.window.stride_width};
  const std::int64_t padding[] = {op.window.padding.top, op.window.padding.left};
  if (is_convolution(op) && at::GradMode::is_enabled()) {
    return convolve_in_training(op, input, parameters);
  }
  switch (op.kind) {
    case OpKind::kConv2d:
      return at::conv2d(input, parameters.weight, parameters.bias, strides, padding);
    case OpKind::kDepthwiseConv2d:
      return at::conv2d(input, parameters.weight, parameters.bias, strides, padding, 1,
                        input.size(1));
    case OpKind::kFullyConnected:
      return at::linear(input.flatten(1), parameters.weight, parameters.bias);
    case OpKind::kAveragePool2d:
      return at::adaptive_avg_pool2d(input, {1, 1});
    case OpKind::kAdd:
      return input + inputs[1];
    default:
      throw Error("operator {} ({}): is not part of a trained network", id,
                  engine::name_of(op.kind));
  }
}

}  // namespace

std::vector<OpTensors> fold(const engine::Graph& graph, const supernet::NetworkLayers& layers) {
  std::vector<OpTensors> result(graph.ops.size());
  const std::vector<supernet::ConvBatchNorm> units = supernet::units_of(layers);
  std::size_t next = 0;
  for (std::size_t id = 0; id < graph.ops.size(); ++id) {
    if (!is_convolution(graph.ops[id])) {
      if (graph.ops[id].kind == OpKind::kFullyConnected) {
        result[id] = {layers.head_weight, layers.head_bias};
      }
    } else if (id + 1 == graph.ops.size()) {
      result[id] = {layers.head_weight.unsqueeze(-1).unsqueeze(-1), layers.head_bias};
    } else {
      if (next < units.size()) result[id] = fold(units[next]);
      ++next;
    }
  }
  if (next != units.size()) {
    throw Error("{} convolutions in the network, {} in its graph", units.size(), next);
  }
  return result;
}

std::vector<FloatParameters> to_engine(const engine::Graph& graph,
                                       std::span<const OpTensors> parameters) {
  std::vector<at::Tensor> parts;
  for (std::size_t id = 0; id < parameters.size(); ++id) {
    if (!parameters[id].weight.defined()) continue;
    parts.push_back(to_engine_layout(graph.ops[id].kind, parameters[id].weight.detach()).flatten());
    parts.push_back(parameters[id].bias.detach());
  }
  const at::Tensor fetched = at::cat(parts).to(at::kCPU, at::kFloat);
  const float* next = fetched.data_ptr<float>();
  const auto take = [&](const at::Tensor& tensor) {
    const float* first = next;
    next += tensor.numel();
    return std::vector<float>(first, next);
  };
  std::vector<FloatParameters> result(parameters.size());
  for (std::size_t id = 0; id < parameters.size(); ++id) {
    if (!parameters[id].weight.defined()) continue;
    result[id].weights = take(parameters[id].weight);
    result[id].bias = take(parameters[id].bias);
  }
  return result;
}

FloatGraph lower(const supernet::FixedNetwork& network) {
  const c10::InferenceMode inference;
  FloatGraph result;
  result.graph = search::space::lower(network->description());
  result.parameters = to_engine(result.graph, fold(result.graph, network->layers()));
  for (const engine::Op& op : result.graph.ops) {
    result.stated_bits.push_back(search::space::stated_weight_bits(network->description(), op));
  }
  return result;
}

at::Tensor run_graph(const engine::Graph& graph, std::span<const OpTensors> parameters,
                     const at::Tensor& images, const TensorMap& map) {
  std::vector<at::Tensor> tensors(graph.tensors.size());
  const engine::TensorId image = graph.inputs[0];
  tensors[image] = map({.id = image, .op = {}, .inputs = {}, .values = images});
  for (std::size_t id = 0; id < graph.ops.size(); ++id) {
    const engine::Op& op = graph.ops[id];
    std::vector<at::Tensor> inputs;
    for (const engine::TensorId input : graph.inputs_of(op)) inputs.push_back(tensors[input]);
    const at::Tensor values = run_op(graph, id, parameters[id], inputs);
    tensors[op.output] = map({.id = op.output, .op = id, .inputs = inputs, .values = values});
  }
  return tensors[graph.outputs[0]];
}

FloatExecutor::FloatExecutor(const FloatGraph& network)
    : graph_(network.graph), parameters_(network.graph.ops.size()) {
  for (std::size_t id = 0; id < graph_.ops.size(); ++id) {
    const engine::Op& op = graph_.ops[id];
    const FloatParameters& floats = network.parameters[id];
    if (floats.weights.empty()) continue;
    const std::int64_t outputs = graph_.output_of(op).shape.channels;
    const std::int64_t inputs = graph_.input_of(op).shape.channels;
    const std::int64_t height = op.window.kernel_height;
    const std::int64_t width = op.window.kernel_width;
    OpTensors& tensors = parameters_[id];
    tensors.bias = from_floats(floats.bias, {outputs});
    if (op.kind == OpKind::kConv2d) {
      tensors.weight = from_floats(floats.weights, {outputs, height, width, inputs})
                           .permute({0, 3, 1, 2})
                           .contiguous(at::MemoryFormat::ChannelsLast);
    } else if (op.kind == OpKind::kDepthwiseConv2d) {
      tensors.weight =
          from_floats(floats.weights, {1, height, width, outputs}).permute({3, 0, 1, 2});
    } else {
      tensors.weight = from_floats(floats.weights, {outputs, graph_.input_of(op).shape.elements()});
    }
  }
}

at::Tensor FloatExecutor::run(const at::Tensor& images, const ActivationObserver& observer) const {
  const c10::InferenceMode inference;
  const auto keep = [&](const ComputedTensor& tensor) {
    at::Tensor kept = tensor.values;
    const engine::Activation activation =
        tensor.op ? graph_.ops[*tensor.op].activation : engine::Activation::kNone;
    if (activation == engine::Activation::kRelu6) kept.clamp_(0, 6);
    if (activation == engine::Activation::kRelu) kept.clamp_min_(0);
    kept = kept.dim() == 4 ? kept.contiguous(at::MemoryFormat::ChannelsLast) : kept.contiguous();
    if (observer) observer(tensor.id, values_of(kept));
    return kept;
  };
  return run_graph(graph_, parameters_, images.to(at::kCPU, at::kFloat), keep);
}

}  // namespace mcunet::pipeline
