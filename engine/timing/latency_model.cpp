#include "mcunet/engine/timing/latency_model.hpp"

#include <algorithm>

#include "mcunet/engine/graph/operator_table.hpp"

namespace mcunet::engine {
namespace {

double& cost(LayerCosts& costs, LayerClass layer, WorkKind kind) {
  return costs[static_cast<std::size_t>(layer)][static_cast<std::size_t>(kind)];
}

LatencyFamily family_of(const LayerShape& layer) { return traits_of(layer.kind).latency; }

// In the order of WorkKind.
struct Amounts {
  std::int64_t mac = 0;
  std::int64_t rest_mac = 0;
  std::int64_t output = 0;
  std::int64_t odd_output = 0;
  std::int64_t input = 0;
  std::int64_t odd_input = 0;
  std::int64_t pixel = 0;
  std::int64_t channel = 0;
};

WorkAmounts amounts(const Amounts& a) {
  const auto count = [](std::int64_t amount) { return static_cast<double>(amount); };
  return {1,
          count(a.mac),
          count(a.rest_mac),
          count(a.output),
          count(a.odd_output),
          count(a.input),
          count(a.odd_input),
          count(a.pixel),
          count(a.channel)};
}

std::int64_t rounded_up(std::int64_t value, std::int64_t unit) {
  return (value + unit - 1) / unit * unit;
}

// Columns of `taps` values times all channels, which are computed in pairs; `in_fours` of the
// columns four at a time.
WorkAmounts work_of_columns(const LayerShape& layer, std::int64_t columns, std::int64_t taps,
                            std::int64_t in_fours) {
  const std::int64_t depth = std::max<std::int64_t>(8, rounded_up(taps, 4));
  const std::int64_t channels = rounded_up(layer.output.channels, 2);
  return amounts({.mac = in_fours * channels * depth,
                  .rest_mac = (columns - in_fours) * channels * depth,
                  .output = columns * channels,
                  .odd_output = columns * (layer.output.channels % 2),
                  .input = columns * depth,
                  .odd_input = layer.input.channels % 4 == 0 ? 0 : columns * depth,
                  .pixel = columns});
}

// Every step is a column of the features and the cells, of which each cell has four outputs, its gates.
WorkAmounts work_of_steps(const LayerShape& layer) {
  LayerShape gates = layer;
  gates.output.channels *= static_cast<std::int32_t>(kGates);
  return work_of_columns(gates, std::int64_t{layer.input.height} * layer.input.width,
                         layer.input.channels + layer.output.channels, /*in_fours=*/0);
}

// Rows that the windows of one column of outputs have inside of the map. 3x3 windows are computed
// whole.
std::int64_t window_rows(const LayerShape& layer) {
  const std::int64_t windows = layer.output.height;
  const std::int64_t size = layer.kernel_height;
  const std::int64_t stride = layer.stride;
  if (size <= 3) return windows * size;
  const std::int64_t padding =
      std::max<std::int64_t>(0, (windows - 1) * stride + size - layer.input.height);
  const auto outside = [&](std::int64_t border) {
    const std::int64_t cut = std::min(windows, rounded_up(border, stride) / stride);
    return cut * border - stride * cut * (cut - 1) / 2;
  };
  return windows * size - outside(padding / 2) - outside(padding - padding / 2);
}

// Channel by channel, a few neighbours of an output row at a time and the rest in pairs.
WorkAmounts work_of_depthwise(const LayerShape& layer) {
  const std::int64_t block = layer.kernel_width >= 7 ? 4 : 6;
  const std::int64_t channels = layer.output.channels;
  const std::int64_t in_blocks = layer.output.width / block * block;
  const std::int64_t rest = rounded_up(layer.output.width - in_blocks, 2);
  const std::int64_t rows = channels * layer.output.height;
  const std::int64_t taps = channels * window_rows(layer) * layer.kernel_width;
  return amounts({.mac = taps * in_blocks,
                  .rest_mac = taps * rest,
                  .output = rows * (in_blocks + rest),
                  .input = rounded_up(layer.input.width, 4) * layer.input.height * channels,
                  .pixel = rows * (in_blocks / block + (rest > 0 ? 1 : 0)),
                  .channel = channels});
}

}  // namespace

std::string_view name_of(LayerClass layer) {
  constexpr std::array<std::string_view, kLayerClasses> kNames = {
      "pointwise",      "convolution",     "depthwise_3", "depthwise_5", "depthwise_7",
      "depthwise_line", "fully_connected", "average",     "maximum",     "elementwise"};
  return kNames[static_cast<std::size_t>(layer)];
}

std::string_view name_of(WorkKind kind) {
  constexpr std::array<std::string_view, kWorkKinds> kNames = {
      "call", "mac", "rest_mac", "output", "odd_output", "input", "odd_input", "pixel", "channel"};
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
      if (layer.kernel_height == 1) return LayerClass::kDepthwiseLine;
      if (side <= 3) return LayerClass::kDepthwise3;
      return side <= 5 ? LayerClass::kDepthwise5 : LayerClass::kDepthwise7;
    case LatencyFamily::kFullyConnected:
    case LatencyFamily::kRecurrent:
      return LayerClass::kFullyConnected;
    case LatencyFamily::kAverage:
      return LayerClass::kAverage;
    case LatencyFamily::kMaximum:
      return LayerClass::kMaximum;
    case LatencyFamily::kElementwise:
      break;
  }
  return LayerClass::kElementwise;
}

WorkAmounts work_of(const LayerShape& layer) {
  const std::int64_t outputs = layer.output.elements();
  const std::int64_t inputs = layer.input.elements();
  const std::int64_t area = std::int64_t{layer.kernel_height} * layer.kernel_width;
  const std::int64_t pixels = std::int64_t{layer.output.height} * layer.output.width;
  switch (family_of(layer)) {
    case LatencyFamily::kConvolution:
      return work_of_columns(layer, pixels, area * layer.input.channels, pixels / 4 * 4);
    case LatencyFamily::kTransposedConvolution:
      // An output sees every stride-th tap, in a column of its own.
      return work_of_columns(layer, pixels, inputs * area / pixels, 0);
    case LatencyFamily::kFullyConnected:
      return work_of_columns(layer, pixels, inputs / pixels, pixels / 4 * 4);
    case LatencyFamily::kRecurrent:
      return work_of_steps(layer);
    case LatencyFamily::kDepthwise:
      return work_of_depthwise(layer);
    case LatencyFamily::kAverage:
    case LatencyFamily::kMaximum:
      // Without a window, it is all of the input.
      return amounts({.mac = std::max(outputs * area, inputs), .output = outputs});
    case LatencyFamily::kElementwise:
      break;
  }
  return amounts({.output = outputs, .input = inputs, .pixel = pixels});
}

LayerCosts LatencyModel::default_costs() {
  LayerCosts costs{};
  const auto set = [&](LayerClass layer, double per_mac) {
    for (WorkKind kind : {WorkKind::kMac, WorkKind::kRestMac}) cost(costs, layer, kind) = per_mac;
  };
  for (LayerClass layer :
       {LayerClass::kPointwise, LayerClass::kConvolution, LayerClass::kFullyConnected}) {
    set(layer, 1.6);
  }
  for (LayerClass layer : {LayerClass::kDepthwise3, LayerClass::kDepthwise5,
                           LayerClass::kDepthwise7, LayerClass::kDepthwiseLine}) {
    set(layer, 4.5);
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
