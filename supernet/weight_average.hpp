#pragma once

#include <cstdint>

#include "mcunet/supernet/supernet.hpp"

namespace mcunet::supernet {

// The exponential moving average of a supernet's parameters, with its current buffers. The decay
// grows to its value over the first steps, so that the beginnings are soon forgotten:
// min(decay, (1 + updates) / (10 + updates)).
class WeightAverage {
 public:
  WeightAverage(const Supernet& followed, const SupernetOptions& options, double decay);

  void update(const Supernet& followed, std::int64_t updates_before);

  // After the followed supernet sorted its channels.
  void reorder(const std::vector<TensorPermutation>& permutations);

  Supernet& weights() { return weights_; }
  const Supernet& weights() const { return weights_; }

 private:
  Supernet weights_;
  double decay_;
};

}  // namespace mcunet::supernet
