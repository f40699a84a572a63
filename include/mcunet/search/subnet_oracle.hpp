#pragma once

#include "mcunet/engine/planning/resources.hpp"
#include "mcunet/search/space/network.hpp"
#include "mcunet/search/space/search_space.hpp"
#include "mcunet/search/space/subnet.hpp"

namespace mcunet::search {

// What a sub-network costs by the engine's plan. Keeps all memory between answers, so that one
// takes a few microseconds; one per thread.
class SubnetOracle {
 public:
  explicit SubnetOracle(const engine::OracleOptions& options) : oracle_(options) {}

  engine::Resources measure(const space::SearchSpace& space, const space::Subnet& subnet) {
    space::build_network(space, subnet, network_);
    graph_.clear();
    space::lower(network_, graph_);
    return oracle_.measure(graph_);
  }

 private:
  engine::ResourceOracle oracle_;
  space::Network network_;
  engine::Graph graph_;
};

}  // namespace mcunet::search
