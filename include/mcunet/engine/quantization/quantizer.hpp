#pragma once

#include <span>
#include <vector>

#include "mcunet/engine/graph/graph.hpp"

// Post-training quantization: gives a lowered graph of float parameters and observed activation
// ranges its int8 form, as TFLite specifies it: activations per tensor with a zero point, weights
// per output channel (per tensor in fully connected layers of int8) symmetric in [-127, 127], or [-7, 7]
// where an operator's weights have 4 bits, biases int32 with the product of both scales.
namespace mcunet::engine {

// The real values that a tensor takes.
struct RealRange {
  float min = 0;
  float max = 0;
};

// Of a convolution, a depthwise convolution or a fully connected layer, batch normalization folded
// in. Empty for other operators.
struct FloatParameters {
  std::vector<float> weights;  // in the layouts of OpDetails::weights
  std::vector<float> bias;     // [output channels]
  // [output channels] what a step of the weights is worth, where that is not left to weight_scales().
  std::vector<float> scales = {};
};

// The most steps that a bias is, by the choice of its scale: half of the accumulator's range is left to the
// products.
inline constexpr double kMaxBias = 1 << 30;

// The quantization of int8 or int4 that covers a range, widened to contain 0, which is represented exactly. A
// range of zeros only has a scale of 1 / 255, or 1 / 15.
Quantization activation_quantization(RealRange range, DataType type);

// The same for every tensor of a graph by its range; tensors that share one have that of all their ranges
// together. Throws Error for a range that is none.
std::vector<Quantization> activation_quantizations(const Graph& graph,
                                                   std::span<const RealRange> ranges);

// What one step of a channel's weights is worth. In 8 bits the largest magnitude becomes 127. In 4 bits it
// becomes 7, or weights beyond some share of it are clipped to 7, whichever has the least squared error of
// them all. 0 where all are zero.
double weight_scale(std::span<const float> channel, int bits);

// That of an operator's weights: per output channel, or one for all of a fully connected layer of int8; as
// `floats` states it, if it does. A
// bias must fit 32 bits as a multiple of this times the scale of the operator's
// input, which has its quantization already. Of finite parameters.
std::vector<float> weight_scales(const Graph& graph, const Op& op, const FloatParameters& floats);

// The graph with constants and quantization; its inputs and outputs are int8, what is between them as its
// tensors are. `parameters` has an
// entry per operator, `ranges` one per tensor, as activations leave the operator (after its clamp).
// Operators that keep their input's quantization (pooling) have that of their input. Throws Error
// if sizes do not fit the graph or a value is not finite.
Graph quantize_graph(const Graph& graph, std::span<const FloatParameters> parameters,
                     std::span<const RealRange> ranges);

}  // namespace mcunet::engine
