#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "mcunet/engine/graph/graph.hpp"

// Runs a quantized graph on the host, one operator after another, each with the plainest loop that
// computes what TFLite's int8 reference kernels compute, bit by bit. It defines what the generated
// code must compute; it is not fast.
namespace mcunet::engine {

// Called after every operator with its output.
using OpObserver = std::function<void(OpId op, std::span<const std::byte> output)>;

// Takes the graph's inputs and returns its outputs, in the graph's order. Throws Error if the graph
// does not pass validate_graph() or an input does not have the bytes of its tensor.
std::vector<TensorBytes> execute(const Graph& graph, std::span<const TensorBytes> inputs,
                                 const OpObserver& observer = {});

// The contents of every tensor, by tensor, where all inputs are zeros.
std::vector<TensorBytes> contents_of_zeros(const Graph& graph);

}  // namespace mcunet::engine
