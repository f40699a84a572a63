#pragma once

#include "mcunet/engine/graph/graph.hpp"
#include "mcunet/supernet/fixed_network.hpp"

namespace mcunet::pipeline {

// Rounds a network's weights to the values that their integers would stand for, each output channel with a
// scale of its own, at the widths of `graph`, which it is lowered to. As batch normalization only scales
// channels, it may follow. Activations and biases stay as they are. Throws Error if the graph is of
// another network.
void round_weights(const engine::Graph& graph, const supernet::FixedNetwork& network);

}  // namespace mcunet::pipeline
