#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "mcunet/search/space/subnet.hpp"

namespace mcunet::search {

// Where the search gets accuracies from: a supernet, a table, a formula. The search knows no more
// of it than this.
class AccuracyEstimator {
 public:
  // Hears the accuracy of one of several sub-networks. What it throws ends the estimation.
  using Arrival = std::function<void(std::size_t index, double accuracy)>;

  virtual ~AccuracyEstimator() = default;

  // The accuracy in [0, 1] of a sub-network in canonical form: the same every time, and beside
  // whatever others. Throws Error.
  virtual double estimate(const space::Subnet& subnet) = 0;

  // Those of several, each told as soon as it is known, once, in whatever order. Here one after the
  // other; to be overridden by what can work on several at the same time.
  virtual void estimate_each(std::span<const space::Subnet> subnets, const Arrival& arrived);

  // Those of several, in their order. Throws Error if the estimator left one out.
  std::vector<double> estimate_all(std::span<const space::Subnet> subnets);
};

}  // namespace mcunet::search
