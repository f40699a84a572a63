#pragma once

#include <span>
#include <vector>

#include "mcunet/engine/graph/graph.hpp"

// Post-training quantization: gives a lowered graph of float parameters and observed activation
// ranges its int8 form, as TFLite specifies it: activations per tensor with a zero point, weights
// per output channel (per tensor in fully connected layers) symmetric in [-127, 127], or [-7, 7] where an
// operator's weights have 4 bits, biases int32 with the product of both scales.
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
};

// The int8 quantization that covers a range, widened to contain 0, which is represented exactly. A
// range of zeros only has a scale of 1 / 255.
Quantization int8_quantization(RealRange range);

// What one step of an operator's weights is worth: per output channel, or one for all of a fully
// connected layer. From the largest magnitude of each channel's weights, which becomes 127 (7 in 4 bits),
// and of its bias, which must fit 32 bits as a multiple of this times the input's scale.
std::vector<float> weight_scales(const Op& op, std::span<const float> max_weights,
                                 std::span<const float> max_biases, float input_scale);

// The graph with constants and quantization; its inputs and outputs are int8. `parameters` has an
// entry per operator, `ranges` one per tensor, as activations leave the operator (after its clamp).
// Operators that keep their input's quantization (pooling) have that of their input. Throws Error
// if sizes do not fit the graph or a value is not finite.
Graph quantize_graph(const Graph& graph, std::span<const FloatParameters> parameters,
                     std::span<const RealRange> ranges);

}  // namespace mcunet::engine
