#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "mcunet/engine/graph/graph.hpp"
#include "mcunet/engine/reference/reference_executor.hpp"

// Valid quantized graphs of one operator for tests: odd sizes, channel counts of all kinds, every
// stride, padding and broadcast, scales under which some values saturate. The same on every
// machine.
namespace mcunet::engine {

inline constexpr std::array kAllOpKinds = {
#define OPERATOR(kind, ...) OpKind::k##kind,
#include "mcunet/engine/graph/operators.inc"
};

Graph random_graph(OpKind kind, std::uint64_t seed);

// The forms that few models have: dilated convolutions, fully connected layers on each pixel,
// padded channels, means over any axes, every way of broadcasting, and LSTMs with any scale of their cells.
inline constexpr std::array kRareOpKinds = {OpKind::kConv2d,
                                            OpKind::kDepthwiseConv2d,
                                            OpKind::kFullyConnected,
                                            OpKind::kAdd,
                                            OpKind::kSub,
                                            OpKind::kMul,
                                            OpKind::kMean,
                                            OpKind::kPad,
                                            OpKind::kReduceMax,
                                            OpKind::kStridedSlice,
                                            OpKind::kMaximum,
                                            OpKind::kMinimum,
                                            OpKind::kTransposeConv,
                                            OpKind::kPrelu,
                                            OpKind::kSum,
                                            OpKind::kReduceMin,
                                            OpKind::kRsqrt,
                                            OpKind::kSqrt,
                                            OpKind::kSquaredDifference,
                                            OpKind::kBatchMatmul,
                                            OpKind::kUnidirectionalSequenceLstm};
Graph random_rare_graph(OpKind kind, std::uint64_t seed);

// Layers some of whose sums take all of 32 bits, or wrap around.
inline constexpr std::array kWideSumOpKinds = {OpKind::kConv2d, OpKind::kDepthwiseConv2d,
                                               OpKind::kFullyConnected};
Graph random_wide_sum_graph(OpKind kind, std::uint64_t seed);

// Layers with weights of four bits.
inline constexpr std::array kInt4OpKinds = {OpKind::kConv2d, OpKind::kDepthwiseConv2d,
                                            OpKind::kFullyConnected};
Graph random_int4_graph(OpKind kind, std::uint64_t seed);

// A small network whose feature maps have four bits: all operators that take these, odd sizes, channels that fill
// words and such that do not, weights of both widths.
Graph random_narrow_network(std::uint64_t seed);

// For every input of the graph; int8 values over their whole range, floats a little beyond it. States are as they begin.
std::vector<TensorBytes> random_inputs(const Graph& graph, std::uint64_t seed);

}  // namespace mcunet::engine
