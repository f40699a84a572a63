#pragma once

#include <optional>
#include <string>

#include "mcunet/search/space/subnet.hpp"

// Sub-networks as files:
// {"width": 0.5, "resolution": 96, "stages": [{"blocks": [{"kernel": 5, "expand_ratio": 4}, …]}, …]}
namespace mcunet::search::space {

std::string subnet_to_json(const SearchSpace& space, const Subnet& subnet);

// Also reads the network JSON of the published models, if the space has that network. Throws Error,
// which names the source and the key, if the text is no member of the space.
Subnet subnet_from_json(const SearchSpace& space, const std::string& text,
                        const std::string& source);

// The member that stands for a network; nothing if the space has none. Names, activation and batch
// norm are not compared.
std::optional<Subnet> find_subnet(const SearchSpace& space, const Network& network);

}  // namespace mcunet::search::space
