#pragma once

#include <string>
#include <string_view>

#include "mcunet/search/space/subnet.hpp"

// A member of a space as text.
namespace mcunet::search::space {

// {"width": 0.5, "resolution": 144, "depths": [2, 3], "kernels": [[3, 5], [7, 3, 3]],
// "expand_ratios": [[4, 6], [3, 3, 6]]}: a list per stage of its active blocks alone, so that equal
// networks have equal texts; "weight_bits" likewise, if a stage has a choice of them. One line.
std::string subnet_to_json(const SearchSpace& space, const Subnet& subnet);

// Also reads the network JSON of the published models, if the space has that network. Throws Error,
// naming `source` and the key, for a text that is no member of the space.
Subnet subnet_from_json(const SearchSpace& space, std::string_view text, const std::string& source);

}  // namespace mcunet::search::space
