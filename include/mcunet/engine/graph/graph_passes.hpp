#pragma once

#include "mcunet/engine/graph/graph.hpp"

// Rewrites of a graph before it is compiled; none changes what the network computes.
namespace mcunet::engine {

// Makes uint8 tensors int8 with a zero point that is less by 128, and drops each QUANTIZE that then
// does nothing.
Graph retype_uint8(const Graph& graph);

// Leaves the conversions from and to float at the borders to the caller: the int8 tensors behind
// them become the graph's inputs and outputs. A border that something else reads, too, stays.
Graph strip_float_borders(const Graph& graph);

// Makes a PAD operator part of the window of the convolution that reads it. A pad that something
// else reads too, or that pads channels, or a whole window, stays.
Graph fold_padding(const Graph& graph);

}  // namespace mcunet::engine
