#pragma once

#include "mcunet/core/random.hpp"
#include "mcunet/engine/graph/graph.hpp"

namespace mcunet::engine {

// The int8 form of a graph of shapes with random weights, under which values spread over their
// ranges as they do after calibration: a network that computes nothing of use, for measuring code.
// Throws Error if the graph has weights already.
Graph with_random_weights(const Graph& graph, RandomStream& random);

}  // namespace mcunet::engine
