#pragma once

#include <memory>
#include <span>
#include <vector>

#include "mcunet/search/search_state.hpp"

namespace mcunet::search {

// Learns accuracies of evaluated networks: ridge regression on one-hot genes and the logarithms of
// MACs and flash, its penalty chosen by leave-one-out error. Training takes O(n p²) for n networks
// and p features, about 150 for a mobile space.
class AccuracyPredictor {
 public:
  // Throws Error for fewer than two networks.
  AccuracyPredictor(const space::SearchSpace& space, std::span<const Candidate> evaluated);
  ~AccuracyPredictor();
  AccuracyPredictor(AccuracyPredictor&&) noexcept;
  AccuracyPredictor& operator=(AccuracyPredictor&&) noexcept;

  std::vector<double> predict(std::span<const Candidate> candidates) const;

 private:
  struct Model;
  std::unique_ptr<Model> model_;
};

// The rank correlation between accuracies and predictions for networks that were held out, a fifth
// at a time. 0 where there is none: too few networks, or all alike.
double held_out_rank_correlation(const space::SearchSpace& space,
                                 std::span<const Candidate> evaluated);

}  // namespace mcunet::search
