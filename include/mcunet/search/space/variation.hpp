#pragma once

#include "mcunet/core/random.hpp"
#include "mcunet/search/space/subnet.hpp"

// How evolution makes new members of a space from old ones (paper, Appendix D). Everything is in
// canonical form.
namespace mcunet::search::space {

// Each gene is drawn anew with this probability: kernel, expansion and weight bits of a block together, the
// depth of a stage, the width and the resolution where they are elastic. Blocks that appear with a
// greater depth are drawn at random.
Subnet mutate(const SearchSpace& space, const Subnet& parent, double probability,
              RandomStream& random);

// Each gene comes from either parent with equal chance; the genes of a block that only one of them
// has come from that one.
Subnet cross(const SearchSpace& space, const Subnet& first, const Subnet& second,
             RandomStream& random);

// Sets one gene, chosen at random among those that are not, to its smallest value. Returns false if
// all of them are.
bool shrink(const SearchSpace& space, Subnet& subnet, RandomStream& random);

}  // namespace mcunet::search::space
