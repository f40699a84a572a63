#include "float_graph.hpp"

#include <ATen/ops/adaptive_avg_pool2d.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/sqrt.h>
#include <c10/core/InferenceMode.h>

#include "mcunet/core/error.hpp"

namespace mcunet::pipeline {
namespace {

using engine::FloatParameters;
using engine::OpKind;

std::vector<float> to_floats(const at::Tensor& tensor) {
  const at::Tensor dense = tensor.to(at::kCPU, at::kFloat).contiguous();
  const float* data = dense.data_ptr<float>();
  return {data, data + dense.numel()};
}

// w * gamma / sqrt(variance + epsilon) and beta - mean * that, in double precision.
FloatParameters fold(const supernet::ConvBatchNorm& unit) {
  const auto wide = [](const at::Tensor& tensor) { return tensor.detach().cpu().to(at::kDouble); };
  const at::Tensor factor =
      wide(unit->bn_weight) / at::sqrt(wide(unit->running_var) + unit->shape().epsilon);
  const at::Tensor bias = wide(unit->bn_bias) - wide(unit->running_mean) * factor;
  const at::Tensor weight = wide(unit->weight) * factor.view({-1, 1, 1, 1});
  // [out, in, h, w] -> [out, h, w, in], depthwise [out, 1, h, w] -> [1, h, w, out].
  const at::Tensor laid_out =
      unit->shape().depthwise ? weight.permute({1, 2, 3, 0}) : weight.permute({0, 2, 3, 1});
  return {to_floats(laid_out), to_floats(bias)};
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

}  // namespace

FloatGraph lower(const supernet::FixedNetwork& network) {
  FloatGraph result;
  result.graph = search::space::lower(network->description());
  result.parameters.resize(result.graph.ops.size());
  const std::vector<supernet::ConvBatchNorm> units = network->units();
  std::size_t next = 0;
  for (std::size_t id = 0; id < result.graph.ops.size(); ++id) {
    const engine::Op& op = result.graph.ops[id];
    if (is_convolution(op)) {
      result.parameters[id] = fold(units.at(next++));
    } else if (op.kind == OpKind::kFullyConnected) {
      result.parameters[id] = {to_floats(network->layers().classifier_weight.detach()),
                               to_floats(network->layers().classifier_bias.detach())};
    }
  }
  if (next != units.size()) {
    throw Error("{}: {} convolutions in the network, {} in its graph", network->description().name,
                units.size(), next);
  }
  return result;
}

FloatExecutor::FloatExecutor(const FloatGraph& network)
    : graph_(network.graph), weights_(network.graph.ops.size()), biases_(network.graph.ops.size()) {
  for (std::size_t id = 0; id < graph_.ops.size(); ++id) {
    const engine::Op& op = graph_.ops[id];
    const FloatParameters& floats = network.parameters[id];
    if (floats.weights.empty()) continue;
    const std::int64_t outputs = graph_.output_of(op).shape.channels;
    const std::int64_t inputs = graph_.input_of(op).shape.channels;
    const std::int64_t height = op.window.kernel_height;
    const std::int64_t width = op.window.kernel_width;
    biases_[id] = from_floats(floats.bias, {outputs});
    if (op.kind == OpKind::kConv2d) {
      weights_[id] = from_floats(floats.weights, {outputs, height, width, inputs})
                         .permute({0, 3, 1, 2})
                         .contiguous(at::MemoryFormat::ChannelsLast);
    } else if (op.kind == OpKind::kDepthwiseConv2d) {
      weights_[id] = from_floats(floats.weights, {1, height, width, outputs}).permute({3, 0, 1, 2});
    } else {
      weights_[id] = from_floats(floats.weights, {outputs, graph_.input_of(op).shape.elements()});
    }
  }
}

at::Tensor FloatExecutor::run(const at::Tensor& images, const ActivationObserver& observer) const {
  const c10::InferenceMode inference;
  std::vector<at::Tensor> tensors(graph_.tensors.size());
  const auto keep = [&](engine::TensorId id, const at::Tensor& tensor) {
    tensors[id] =
        tensor.dim() == 4 ? tensor.contiguous(at::MemoryFormat::ChannelsLast) : tensor.contiguous();
    if (observer) observer(id, values_of(tensors[id]));
  };
  keep(graph_.inputs[0], images.to(at::kCPU, at::kFloat));
  for (std::size_t id = 0; id < graph_.ops.size(); ++id) {
    at::Tensor output = run_op(id, tensors);
    if (graph_.ops[id].activation == engine::Activation::kRelu6) output.clamp_(0, 6);
    if (graph_.ops[id].activation == engine::Activation::kRelu) output.clamp_min_(0);
    keep(graph_.ops[id].output, output);
  }
  return tensors[graph_.outputs[0]];
}

at::Tensor FloatExecutor::run_op(std::size_t id, const std::vector<at::Tensor>& tensors) const {
  const engine::Op& op = graph_.ops[id];
  const auto inputs = graph_.inputs_of(op);
  const at::Tensor& input = tensors[inputs[0]];
  const std::int64_t stride = op.window.stride_height;
  const std::int64_t padding = op.window.padding.top;
  switch (op.kind) {
    case OpKind::kConv2d:
      return at::conv2d(input, weights_[id], biases_[id], stride, padding);
    case OpKind::kDepthwiseConv2d:
      return at::conv2d(input, weights_[id], biases_[id], stride, padding, 1, input.size(1));
    case OpKind::kFullyConnected:
      return at::linear(input.flatten(1), weights_[id], biases_[id]);
    case OpKind::kAveragePool2d:
      return at::adaptive_avg_pool2d(input, {1, 1});
    case OpKind::kAdd:
      return input + tensors[inputs[1]];
    default:
      throw Error("operator {} ({}): is not part of a trained network", id,
                  engine::name_of(op.kind));
  }
}

}  // namespace mcunet::pipeline
