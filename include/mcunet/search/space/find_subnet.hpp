#pragma once

#include <optional>

#include "mcunet/search/space/subnet.hpp"

namespace mcunet::search::space {

// The member of a space that stands for a network; nothing if there is none. Names, activation and
// batch norm are not compared, nor are weight bits that one of them leaves to the job; where the space has a
// choice and the network says nothing, they are the most.
std::optional<Subnet> find_subnet(const SearchSpace& space, const Network& network);

}  // namespace mcunet::search::space
