#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "assessment.hpp"
#include "experiment.hpp"
#include "mcunet/core/run_directory.hpp"
#include "mcunet/search/space/subnet.hpp"
#include "ranks.hpp"
#include "stages.hpp"

namespace mcunet::supernet {
class FixedNetwork;
}

namespace mcunet::pipeline {

struct FinetuneResult {
  search::space::Subnet subnet;  // of the supernet's space
  double inherited = 0;          // score on the search split, before; statistics recalibrated
  double score = 0;              // on the search split, after; without training the same
  Assessment test;               // of the test split, by the weights that were kept
  std::int64_t steps = 0;
  double seconds = 0;    // since the last start
  bool stopped = false;  // by should_stop: nothing but the steps is there
  std::int64_t total_steps = 0;

  // Training that made the network worse is thrown away: the inherited weights are kept.
  bool keeps_inherited() const { return steps == 0 || score < inherited; }
};

// The network that the experiment names, or that the search of the run found best. Throws Error if there
// was no search, or if the space has no such network.
search::space::Subnet chosen_subnet(const Experiment& experiment,
                                    const search::space::SearchSpace& space,
                                    const std::filesystem::path& run);

// Trains one sub-network further, from the weights that it has in the run's supernet, as a space of
// one network. Writes network.json, network.pt, which holds the better weights of before and after
// on the search split, with statistics recalibrated, and finetune.json.
// A stage that is complete is read back, if `resume`. Throws Error as run_train_stage does.
FinetuneResult run_finetune_stage(const Experiment& experiment,
                                  const search::space::SearchSpace& space,
                                  const search::space::Subnet& subnet, RunDirectory& run,
                                  bool resume, const std::function<bool()>& should_stop,
                                  const Ranks& ranks = alone());

// What the other ranks do in it.
void take_part_in_finetuning(const Experiment& experiment, const search::space::SearchSpace& space,
                             const search::space::Subnet& subnet, const std::filesystem::path& run,
                             const Ranks& ranks, const std::function<bool()>& should_stop);

// finetune.json
std::string finetune_to_json(const FinetuneResult& result, const search::space::SearchSpace& space);

// The network that the stage left in a run, or with the weights of another file there. Throws Error
// if there is none.
supernet::FixedNetwork load_finetuned(const std::filesystem::path& run,
                                      const std::string& weights_file = kFinetunedWeights);

}  // namespace mcunet::pipeline
