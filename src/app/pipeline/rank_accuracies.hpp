#pragma once

#include <filesystem>
#include <string>

#include "experiment.hpp"
#include "mcunet/search/accuracy_estimator.hpp"
#include "ranks.hpp"
#include "trained_supernet.hpp"

// The accuracies of a trained supernet, measured by all ranks of a job.
namespace mcunet::pipeline {

// Rank 0's: calls the others, each of which loads supernet and data once. Whoever is free, rank 0 too,
// takes the next sub-network, so that nobody waits for one that takes longer; an accuracy does not depend
// on who measures it.
class RankAccuracies : public search::AccuracyEstimator {
 public:
  RankAccuracies(const Experiment& experiment, const search::space::SearchSpace& space,
                 const std::filesystem::path& run, const Ranks& ranks);

  double estimate(const search::space::Subnet& subnet) override;
  void estimate_each(std::span<const search::space::Subnet> subnets,
                     const Arrival& arrived) override;

  // SupernetEstimator's.
  const std::string& identity() const { return own_.identity(); }

  // Lets the others go.
  void finish();

 private:
  search::space::SearchSpace space_;
  Ranks ranks_;
  SupernetEstimator own_;
  int rounds_ = 0;
};

// What the others do: measures until rank 0 lets them go.
void measure_for_search(const Experiment& experiment, const search::space::SearchSpace& space,
                        const std::filesystem::path& run, const Ranks& ranks);

}  // namespace mcunet::pipeline
