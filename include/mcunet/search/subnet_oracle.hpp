#pragma once

#include "mcunet/engine/graph/activations.hpp"
#include "mcunet/engine/graph/weights.hpp"
#include "mcunet/engine/planning/resources.hpp"
#include "mcunet/search/space/network.hpp"
#include "mcunet/search/space/search_space.hpp"
#include "mcunet/search/space/subnet.hpp"

namespace mcunet::search {

// The graph of a network that is planned, linked on trial or drawn by an oracle with these options: its
// weights and activations have their bits, but for weights of which their block states others.
inline void lower_for(const engine::OracleOptions& options, const space::Network& network,
                      engine::Graph& graph) {
  graph.clear();
  space::lower(network, graph);
  engine::set_bit_widths(graph, options.widths);
  space::set_stated_weight_bits(network, graph);
  if (options.keep_first_last) engine::keep_first_and_last(graph);
}

inline engine::Graph lower_for(const engine::OracleOptions& options,
                               const space::Network& network) {
  engine::Graph graph;
  lower_for(options, network, graph);
  return graph;
}

// What a sub-network costs by the engine's plan. Keeps all memory between answers, so that one
// takes a few microseconds; one per thread.
class SubnetOracle {
 public:
  explicit SubnetOracle(const engine::OracleOptions& options) : oracle_(with_any_steps(options)) {}

  engine::Resources measure(const space::SearchSpace& space, const space::Subnet& subnet) {
    space::build_network(space, subnet, network_);
    lower_for(oracle_.options(), network_, graph_);
    return oracle_.measure(graph_);
  }

 private:
  // A search asks for the peak, not for the steps.
  static engine::OracleOptions with_any_steps(engine::OracleOptions options) {
    options.settles_steps = false;
    return options;
  }

  engine::ResourceOracle oracle_;
  space::Network network_;
  engine::Graph graph_;
};

}  // namespace mcunet::search
