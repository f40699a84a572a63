#include "mcunet/search/accuracy_estimator.hpp"

#include "mcunet/core/error.hpp"

namespace mcunet::search {

void AccuracyEstimator::estimate_each(std::span<const space::Subnet> subnets,
                                      const Arrival& arrived) {
  for (std::size_t i = 0; i < subnets.size(); ++i) arrived(i, estimate(subnets[i]));
}

std::vector<double> AccuracyEstimator::estimate_all(std::span<const space::Subnet> subnets) {
  std::vector<double> accuracies(subnets.size());
  std::size_t known = 0;
  estimate_each(subnets, [&](std::size_t index, double accuracy) {
    accuracies.at(index) = accuracy;
    ++known;
  });
  if (known != subnets.size()) {
    throw Error("the accuracy estimator gave {} values for {} sub-networks", known, subnets.size());
  }
  return accuracies;
}

}  // namespace mcunet::search
