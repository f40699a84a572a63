#pragma once

#include <string>

#include "mcunet/core/config.hpp"
#include "mcunet/search/space/search_space.hpp"

// A network as a search space, so that whatever trains and searches a space takes a network too.
namespace mcunet::search::space {

// Whether a description is the network JSON of the published models, which is YAML as well.
bool is_network(const ConfigNode& node);

// The space whose only member is the network: each block after the first is a stage of its own, at its own
// width. The outputs of a grid count as those of one box; a job replaces them by its data's. Throws Error,
// which begins with `source`, if the mobile space cannot hold the network.
SearchSpace network_space(const Network& network, const std::string& source);

}  // namespace mcunet::search::space
