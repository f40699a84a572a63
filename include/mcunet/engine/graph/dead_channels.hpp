#pragma once

#include <span>

#include "mcunet/engine/graph/graph.hpp"

// Channels that need not be computed: a filter of zeros makes a channel that is the same constant
// everywhere, and what only such filters read matters to nobody.
namespace mcunet::engine {

// Removes them, on a quantized graph; outputs stay the same, bit for bit. What a removed constant
// adds to a convolution goes into its bias. A channel stays where that would not be exact: a
// constant other than the zero point under a convolution that pads, an operator that mixes
// channels, a residual whose other side is needed, an input or output of the graph. Every tensor
// keeps a channel. `contents` are those of every tensor for any one input, by tensor, as
// contents_of_zeros() (reference/reference_executor.hpp) computes them: what is shown to be
// constant has its value there. Throws Error.
Graph fold_dead_channels(const Graph& graph, std::span<const TensorBytes> contents);

}  // namespace mcunet::engine
