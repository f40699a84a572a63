#include "mcunet/engine/timing/latency_model.hpp"

#include <algorithm>
#include <cmath>

#include "mcunet/engine/graph/operator_table.hpp"

namespace mcunet::engine {
namespace {

double& cost(LayerCosts& costs, LayerClass layer, WorkKind kind) {
  return costs[static_cast<std::size_t>(layer)][static_cast<std::size_t>(kind)];
}

LatencyFamily family_of(const LayerShape& layer) { return traits_of(layer.kind).latency; }

}  // namespace

std::string_view name_of(LayerClass layer) {
  constexpr std::array<std::string_view, kLayerClasses> kNames = {
      "pointwise",   "convolution",     "depthwise_3", "depthwise_5",
      "depthwise_7", "fully_connected", "pool",        "elementwise"};
  return kNames[static_cast<std::size_t>(layer)];
}

std::string_view name_of(WorkKind kind) {
  constexpr std::array<std::string_view, kWorkKinds> kNames = {"call",  "mac",    "output",
                                                               "input", "column", "pixel"};
  return kNames[static_cast<std::size_t>(kind)];
}

LayerShape layer_shape_of(const Graph& graph, const Op& op) {
  return {.kind = op.kind,
          .kernel_height = op.window.kernel_height,
          .kernel_width = op.window.kernel_width,
          .stride = op.window.stride_height,
          .input = graph.input_of(op).shape,
          .output = graph.output_of(op).shape};
}

LayerClass class_of(const LayerShape& layer) {
  const std::int32_t side = std::max(layer.kernel_height, layer.kernel_width);
  switch (family_of(layer)) {
    case LatencyFamily::kConvolution:
      return side == 1 && layer.stride == 1 ? LayerClass::kPointwise : LayerClass::kConvolution;
    case LatencyFamily::kTransposedConvolution:
      return LayerClass::kConvolution;
    case LatencyFamily::kDepthwise:
      if (side <= 3) return LayerClass::kDepthwise3;
      return side <= 5 ? LayerClass::kDepthwise5 : LayerClass::kDepthwise7;
    case LatencyFamily::kFullyConnected:
      return LayerClass::kFullyConnected;
    case LatencyFamily::kPool:
    case LatencyFamily::kReduction:
      return LayerClass::kPool;
    case LatencyFamily::kElementwise:
      break;
  }
  return LayerClass::kElementwise;
}

WorkAmounts work_of(const LayerShape& layer) {
  const auto outputs = static_cast<double>(layer.output.elements());
  const auto inputs = static_cast<double>(layer.input.elements());
  const double area = static_cast<double>(layer.kernel_height) * layer.kernel_width;
  const double pixels = static_cast<double>(layer.output.height) * layer.output.width;
  switch (family_of(layer)) {
    case LatencyFamily::kConvolution: {
      const double taps = area * layer.input.channels;
      return {1, outputs * taps, outputs, inputs, pixels * taps, pixels};
    }
    case LatencyFamily::kTransposedConvolution: {
      // An output sees every stride-th tap.
      const double taps = inputs * area / pixels;
      return {1, outputs * taps, outputs, inputs, pixels * taps, pixels};
    }
    case LatencyFamily::kDepthwise: {
      // Row by row of a channel: padded input in words of four, outputs in pairs.
      const double rows = static_cast<double>(layer.output.height) * layer.output.channels;
      const double words = std::ceil((layer.input.width + layer.kernel_width - 1) / 4.0);
      const double padded = 4 * words * layer.input.height * layer.input.channels;
      const double pairs = rows * std::ceil(layer.output.width / 2.0);
      return {1, outputs * area, outputs, padded, pairs, rows};
    }
    case LatencyFamily::kFullyConnected:
      return {1, outputs * inputs / pixels, outputs, inputs, inputs, pixels};
    case LatencyFamily::kPool:
      return {1, outputs * area, outputs, inputs, outputs, pixels};
    case LatencyFamily::kReduction:
    case LatencyFamily::kElementwise:
      break;
  }
  return {1, inputs, outputs, inputs, outputs, pixels};
}

LayerCosts LatencyModel::default_costs() {
  LayerCosts costs{};
  for (LayerClass layer :
       {LayerClass::kPointwise, LayerClass::kConvolution, LayerClass::kFullyConnected}) {
    cost(costs, layer, WorkKind::kMac) = 1.6;
  }
  for (LayerClass layer :
       {LayerClass::kDepthwise3, LayerClass::kDepthwise5, LayerClass::kDepthwise7}) {
    cost(costs, layer, WorkKind::kMac) = 4.5;
  }
  return costs;
}

double LatencyModel::cycles(const LayerShape& layer) const {
  const WorkAmounts& unit = costs[static_cast<std::size_t>(class_of(layer))];
  const WorkAmounts work = work_of(layer);
  double sum = 0;
  for (std::size_t i = 0; i < kWorkKinds; ++i) sum += unit[i] * work[i];
  return sum;
}

}  // namespace mcunet::engine
