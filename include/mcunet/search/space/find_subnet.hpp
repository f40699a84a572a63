#pragma once

#include <optional>

#include "mcunet/search/space/subnet.hpp"

namespace mcunet::search::space {

// The member of a space that stands for a network; nothing if there is none. Names, activation and
// batch norm are not compared.
std::optional<Subnet> find_subnet(const SearchSpace& space, const Network& network);

}  // namespace mcunet::search::space
