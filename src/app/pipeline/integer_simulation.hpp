#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <vector>

#include "mcunet/engine/graph/graph.hpp"

namespace mcunet::pipeline {

// How the sums of an operator with weights become steps of its output: kRescalings rows, each with a number for every
// scale of the weights.
inline constexpr int kRescalings = 3;
std::vector<double> rescaling_of(const engine::Graph& graph, const engine::Op& op,
                                 std::span<const float> weight_scales);

// What the engine computes for an operator of a quantized graph, from what libtorch computed in floats: every
// value is (q - zero point) * scale of the integer q that the reference executor gives, both of its roundings
// included. `inputs` hold such values, and `sums` is what the operator in floats makes of them and of
// parameters that are integers times their scales, not clamped yet; both are as run_graph has them.
// `rescaling` has the rows of rescaling_of(), on the device of the sums, or is undefined for an operator without
// weights.
// Exact as long as the engine's sums can be told from 32-bit floats: those of a convolution up to about 2^21,
// which takes a few thousand products of the largest weights of 4 bits. Not differentiable. Throws Error for an
// operator that no trained network has.
at::Tensor integer_result(const engine::Graph& graph, const engine::Op& op,
                          const at::Tensor& rescaling, std::span<const at::Tensor> inputs,
                          const at::Tensor& sums);

}  // namespace mcunet::pipeline
