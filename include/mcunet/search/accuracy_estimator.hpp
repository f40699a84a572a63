#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "mcunet/search/space/subnet.hpp"

namespace mcunet::search {

// Where the search gets accuracies from: a supernet, a table, a formula. The search knows no more
// of it than this.
class AccuracyEstimator {
 public:
  virtual ~AccuracyEstimator() = default;

  // One accuracy in [0, 1] for each sub-network, in canonical form, in their order. The same
  // sub-network has the same accuracy every time and beside whatever others. Throws Error.
  virtual std::vector<double> estimate(std::span<const space::Subnet> subnets) = 0;

  // How many it works on at the same time, on so many processes or GPUs. A cache asks for so many
  // at once, and saves them before it asks for more.
  virtual std::size_t parallelism() const { return 1; }
};

}  // namespace mcunet::search
