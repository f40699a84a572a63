#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mcunet/engine/graph/graph.hpp"

// How long an operator takes on a core: amounts of work that follow from its shapes, each at a cost
// of its own per class of operator, in cycles. Where the costs come from is told in
// timing/latency_fit.hpp and configs/latency/.
namespace mcunet::engine {

// Operators that share a kernel, or kernels alike. The rest counts as elementwise.
enum class LayerClass : std::uint8_t {
  kPointwise,    // convolution 1x1 of stride 1
  kConvolution,  // all others
  kDepthwise3,   // by the larger side of the window; 7 and more
  kDepthwise5,
  kDepthwise7,
  kDepthwiseLine,  // windows of one row
  kFullyConnected,
  kAverage,
  kMaximum,
  kElementwise,
};
inline constexpr std::size_t kLayerClasses = 10;
std::string_view name_of(LayerClass layer);

// Amounts of work, all but the call proportional to a loop of the kernels (engine/kernels/README.md).
enum class WorkKind : std::uint8_t {
  kCall,
  kMac,      // multiply-accumulates in whole blocks: of four columns, or of four or six neighbours
             // in a depthwise row; of a pool, values in its windows
  kRestMac,  // those in the columns and neighbours that are left over
  kOutput,   // requantized values
  kOddOutput,  // pixels with an odd number of channels, as the last one has no partner
  kInput,      // values read; of a convolution, gathered into columns
  kOddInput,   // of those gathered, where the channels are no whole words
  kPixel,      // of the output; of a depthwise convolution, blocks of neighbours in all channels
  kChannel,    // of a depthwise convolution
};
inline constexpr std::size_t kWorkKinds = 9;
std::string_view name_of(WorkKind kind);

using WorkAmounts = std::array<double, kWorkKinds>;
// Per amount of work, by class.
using LayerCosts = std::array<WorkAmounts, kLayerClasses>;

// What a layer's time depends on. Padding is taken to be the same on both sides.
struct LayerShape {
  OpKind kind = OpKind::kConv2d;
  std::int32_t kernel_height = 1;
  std::int32_t kernel_width = 1;
  std::int32_t stride = 1;  // vertical
  Shape input;
  Shape output;

  bool operator==(const LayerShape&) const = default;
};

LayerShape layer_shape_of(const Graph& graph, const Op& op);
LayerClass class_of(const LayerShape& layer);
WorkAmounts work_of(const LayerShape& layer);

struct LatencyModel {
  double clock_mhz = 216;
  // The share of cycles that wait states of the flash and cache misses add at most.
  double memory_stalls = 0.3;
  double spread = 0;    // share by which the low and the high estimate of cycles are off the costs
  double power_mw = 0;  // while computing; nearly independent of the network
  LayerCosts costs = default_costs();  // in cycles of a core that never waits for memory

  // Of a core about which nothing is known: 1.6 per multiply-accumulate, 4.5 in depthwise
  // convolutions.
  static LayerCosts default_costs();

  double cycles(const LayerShape& layer) const;

  // Estimates, of a sum of cycles: the one to compare, with half of the stalls; the least, without
  // any; the most, with all of them.
  double milliseconds(double cycles) const {
    return cycles * (1 + memory_stalls / 2) / (1e3 * clock_mhz);
  }
  double least_milliseconds(double cycles) const {
    return cycles * (1 - spread) / (1e3 * clock_mhz);
  }
  double most_milliseconds(double cycles) const {
    return cycles * (1 + spread) * (1 + memory_stalls) / (1e3 * clock_mhz);
  }
};

}  // namespace mcunet::engine
