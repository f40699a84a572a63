#include "simulated_quantization.hpp"

#include <ATen/Context.h>
#include <ATen/ops/_fake_quantize_learnable_per_tensor_affine.h>
#include <ATen/ops/copysign.h>
#include <ATen/ops/fake_quantize_per_tensor_affine.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "integer_simulation.hpp"
#include "mcunet/engine/arithmetic/quantized_arithmetic.hpp"
#include "mcunet/engine/graph/operator_table.hpp"
#include "mcunet/engine/graph/weights.hpp"
#include "mcunet/engine/quantization/quantizer.hpp"

namespace mcunet::pipeline {
namespace {

// Convolutions with all bits of a float, while there is one: on a GPU cuDNN would leave out some, and sums would
// not be those of integers.
class WholeFloats {
 public:
  WholeFloats() { at::globalContext().setAllowTF32CuDNN(false); }
  ~WholeFloats() { at::globalContext().setAllowTF32CuDNN(before_); }
  WholeFloats(const WholeFloats&) = delete;
  WholeFloats& operator=(const WholeFloats&) = delete;

 private:
  bool before_ = at::globalContext().allowTF32CuDNN();
};

using supernet::TensorDictionary;

constexpr char kSteps[] = "activation_steps";
constexpr float kLeastStep = 1e-8F;

bool are_finite(const engine::FloatParameters& floats) {
  const auto is_finite = [](float value) { return std::isfinite(value); };
  return std::all_of(floats.weights.begin(), floats.weights.end(), is_finite) &&
         std::all_of(floats.bias.begin(), floats.bias.end(), is_finite);
}

// To multiples of a scale per output channel, up to so many; a half is rounded away from zero, as the
// engine does. The gradient is that of what was rounded.
at::Tensor round_to(const at::Tensor& scale, double max_steps, const at::Tensor& exact) {
  const at::Tensor wide = exact.detach().to(at::kDouble);
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(wide.dim()), 1);
  sizes[0] = scale.numel();
  const at::Tensor scales = scale.view(sizes);
  const at::Tensor steps = (wide.abs() / scales).add_(0.5).floor_().clamp_max_(max_steps);
  const at::Tensor rounded = (at::copysign(steps, wide) * scales).to(at::kFloat);
  return rounded + (exact - exact.detach());
}

// Numbers on a device. A GPU reads them while the program goes on.
at::Tensor send(const std::vector<double>& numbers, const at::Device& device) {
  const at::Tensor here = at::tensor(numbers, at::kDouble);
  return device.is_cpu() ? here : here.pin_memory().to(device, /*non_blocking=*/true);
}

// Those of 4 bits, but for what operators give the quantization of their input.
std::vector<engine::TensorId> stepped_tensors(const engine::Graph& graph) {
  std::vector<engine::TensorId> result;
  for (const engine::Op& op : graph.ops) {
    const bool keeps = engine::QuantizationRule(engine::traits_of(op.kind).quantization).keeps;
    if (graph.tensors[op.output].type == engine::DataType::kInt4 && !keeps) {
      result.push_back(op.output);
    }
  }
  return result;
}

// Between which an activation's values lie.
engine::ValueRange clamp_of(const engine::Graph& graph, const ComputedTensor& tensor) {
  const engine::Activation activation =
      tensor.op ? graph.ops[*tensor.op].activation : engine::Activation::kNone;
  return engine::activation_range(activation, graph.info_of(tensor.id).quantization,
                                  graph.tensors[tensor.id].type);
}

at::Tensor round_activation(const engine::Graph& graph, const ComputedTensor& tensor) {
  const engine::Quantization& quantization = graph.info_of(tensor.id).quantization;
  const engine::ValueRange range = clamp_of(graph, tensor);
  return at::fake_quantize_per_tensor_affine(tensor.values, quantization.scale,
                                             quantization.zero_point, range.min, range.max);
}

// The same, with a gradient for the step, which equals the scale but for rounding. It is the smaller the more
// values have this step, so that steps and weights move at the same pace (LSQ, section 2.2).
at::Tensor round_activation(const engine::Graph& graph, const ComputedTensor& tensor,
                            const at::Tensor& step) {
  const engine::Quantization& quantization = graph.info_of(tensor.id).quantization;
  const engine::ValueRange range = clamp_of(graph, tensor);
  const at::Tensor exact = at::full_like(step, quantization.scale);
  const at::Tensor scale = step + (exact - step).detach();
  // Counted from 0: backwards, libtorch rounds zero points towards 0.
  const int least = engine::value_range(graph.tensors[tensor.id].type).min;
  const at::Tensor zero_point = at::full_like(step, quantization.zero_point - least).detach();
  const double values =
      static_cast<double>(tensor.values.numel()) * std::max(1, range.max - quantization.zero_point);
  return at::_fake_quantize_learnable_per_tensor_affine(tensor.values, scale, zero_point,
                                                        range.min - least, range.max - least,
                                                        1 / std::sqrt(values));
}

}  // namespace

SimulatedQuantization::SimulatedQuantization(engine::Graph quantized,
                                             std::vector<engine::RealRange> ranges)
    : graph_(std::move(quantized)), ranges_(std::move(ranges)), stepped_(stepped_tensors(graph_)) {
  for (engine::Constant& constant : graph_.constants) constant.data.clear();
}

TensorDictionary SimulatedQuantization::learnable() const {
  std::vector<float> steps;
  for (const engine::TensorId id : stepped_) {
    steps.push_back(graph_.info_of(id).quantization.scale);
  }
  if (steps.empty()) return {};
  return {{kSteps, at::tensor(steps)}};
}

std::vector<engine::RealRange> SimulatedQuantization::ranges(
    const TensorDictionary& learned) const {
  std::vector<engine::RealRange> result = ranges_;
  const auto found = learned.find(kSteps);
  if (found == learned.end()) return result;
  const at::Tensor steps = found->second.detach().to(at::kCPU, at::kFloat).contiguous();
  for (std::size_t i = 0; i < stepped_.size(); ++i) {
    const engine::TensorId id = stepped_[i];
    const engine::ValueRange values = engine::value_range(graph_.tensors[id].type);
    const int zero_point = graph_.info_of(id).quantization.zero_point;
    const float step = std::max(kLeastStep, steps.data_ptr<float>()[i]);
    result[id] = {step * static_cast<float>(values.min - zero_point),
                  step * static_cast<float>(values.max - zero_point)};
  }
  return result;
}

engine::Graph SimulatedQuantization::graph_with(const TensorDictionary& learned) const {
  engine::Graph graph = graph_;
  if (!learned.contains(kSteps)) return graph;
  const std::vector<engine::Quantization> quantizations =
      engine::activation_quantizations(graph, ranges(learned));
  for (std::size_t id = 0; id < quantizations.size(); ++id) {
    engine::edit_info(graph, static_cast<engine::TensorId>(id)).quantization = quantizations[id];
  }
  return graph;
}

at::Tensor SimulatedQuantization::run(const supernet::NetworkLayers& layers,
                                      const at::Tensor& images,
                                      const TensorDictionary& learned) const {
  const auto found = learned.find(kSteps);
  if (found == learned.end()) return run(graph_, layers, images, {});
  // A step that is none would be refused as a range.
  const TensorDictionary here = {{kSteps, found->second.detach().to(at::kCPU)}};
  if (!here.at(kSteps).isfinite().all().item<bool>()) {
    return run(graph_, layers, images, {}) * std::numeric_limits<double>::quiet_NaN();
  }
  return run(graph_with(here), layers, images, found->second);
}

at::Tensor SimulatedQuantization::run(const engine::Graph& graph,
                                      const supernet::NetworkLayers& layers,
                                      const at::Tensor& images, const at::Tensor& steps) const {
  const auto [parameters, rescalings, are_finite] = round_parameters(graph, layers);
  const auto with_gradient = [&](const ComputedTensor& tensor) {
    const auto place = std::find(stepped_.begin(), stepped_.end(), tensor.id);
    if (!steps.defined() || place == stepped_.end()) return round_activation(graph, tensor);
    const std::int64_t index = place - stepped_.begin();
    return round_activation(graph, tensor, steps.narrow(0, index, 1));
  };
  const auto round = [&](const ComputedTensor& tensor) {
    if (!tensor.op) return with_gradient(tensor);
    const at::Tensor exact = integer_result(graph, graph.ops[*tensor.op], rescalings[*tensor.op],
                                            tensor.inputs, tensor.values);
    if (!at::GradMode::is_enabled()) return exact;
    const at::Tensor rounded = with_gradient(tensor);
    return exact + (rounded - rounded.detach());
  };
  const WholeFloats whole_floats;
  const at::Tensor logits = run_graph(
      graph, parameters, images.to(parameters.front().weight.device(), at::kFloat), round);
  // Rounding makes an ordinary number of what is none, and a divergence would go unnoticed.
  return are_finite ? logits : logits + std::numeric_limits<double>::quiet_NaN();
}

SimulatedQuantization::Parameters SimulatedQuantization::round_parameters(
    const supernet::NetworkLayers& layers, const TensorDictionary& learned) const {
  return round_parameters(graph_with(learned), layers);
}

SimulatedQuantization::Parameters SimulatedQuantization::round_parameters(
    const engine::Graph& graph, const supernet::NetworkLayers& layers) const {
  Parameters result{.tensors = fold(graph, layers), .rescalings = {}};
  result.rescalings.resize(graph.ops.size());
  // To a GPU and back once for all operators.
  const std::vector<engine::FloatParameters> floats = to_engine(graph, result.tensors);
  result.are_finite = std::all_of(floats.begin(), floats.end(), are_finite);
  std::vector<double> numbers;
  std::vector<std::int64_t> scales(floats.size());
  for (std::size_t id = 0; id < floats.size(); ++id) {
    if (!result.tensors[id].weight.defined()) continue;
    const std::vector<float> of_weights = engine::weight_scales(graph, graph.ops[id], floats[id]);
    const std::vector<double> rescaling = rescaling_of(graph, graph.ops[id], of_weights);
    scales[id] = static_cast<std::int64_t>(of_weights.size());
    numbers.insert(numbers.end(), of_weights.begin(), of_weights.end());
    numbers.insert(numbers.end(), rescaling.begin(), rescaling.end());
  }
  const at::Tensor sent = send(numbers, layers.head_weight.device());
  std::int64_t next = 0;
  const auto take = [&](std::int64_t rows, std::int64_t columns) {
    const std::int64_t first = std::exchange(next, next + rows * columns);
    return sent.narrow(0, first, rows * columns).view({rows, columns});
  };
  for (std::size_t id = 0; id < floats.size(); ++id) {
    auto& [weight, bias] = result.tensors[id];
    if (!weight.defined()) continue;
    const engine::Op& op = graph.ops[id];
    const double input_scale = graph.info_of(graph.inputs_of(op)[0]).quantization.scale;
    const at::Tensor scale = take(1, scales[id])[0];
    result.rescalings[id] = take(kRescalings, scales[id]);
    weight = round_to(scale, engine::max_weight(op), weight);
    bias = round_to(scale * input_scale, engine::kMaxBias, bias);
  }
  return result;
}

}  // namespace mcunet::pipeline
