#pragma once

#include "mcunet/core/random.hpp"
#include "mcunet/engine/graph.hpp"

namespace mcunet::engine {

// Gives a graph of shapes int8 weights, biases and scales at random, under which values spread over
// their range: a network that computes nothing of use, for measuring code whose speed and size do
// not depend on values. Convolutions, depthwise convolutions, fully connected layers, poolings,
// additions. Throws Error for other operators, or if the graph has weights already.
void fill_random_weights(Graph& graph, RandomStream& random);

}  // namespace mcunet::engine
