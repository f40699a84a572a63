#pragma once

#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include "experiment.hpp"
#include "mcunet/search/space/subnet.hpp"
#include "mcunet/supernet/trainer.hpp"
#include "ranks.hpp"

// What the trainings of one network after the search have in common: they follow the recipe of the
// section `train` with epochs and a learning rate of their own.
namespace mcunet::pipeline {

struct NetworkTraining {
  const Experiment& experiment;
  const search::space::SearchSpace& space;  // of the supernet
  const search::space::Subnet& subnet;      // the network
  const std::filesystem::path& run;
  bool resume = false;
  std::function<bool()> should_stop = [] { return false; };
  Ranks ranks = alone();
};

supernet::TrainerOptions training_options(const Experiment& experiment, int epochs,
                                          double learning_rate);

// Sections of the resolved experiment, the network, and named texts: what its weights depend on.
ConfigNode network_identity(const NetworkTraining& training,
                            std::initializer_list<const char*> sections,
                            std::initializer_list<std::pair<const char*, std::string>> more);

// Throws Error.
void empty_unless_resumed(const NetworkTraining& training, const std::filesystem::path& folder);

// For a training in `folder`. Throws Error if the device is not there.
supernet::TrainerContext training_context(const NetworkTraining& training,
                                          const std::filesystem::path& folder, ConfigNode identity);

// The trainer of a space's networks, at rank 0 where it was stopped or with `weights`. The data must
// outlive it.
std::unique_ptr<supernet::Trainer> start_trainer(const NetworkTraining& training,
                                                 const search::space::SearchSpace& space,
                                                 const datasets::Dataset& data,
                                                 const supernet::TrainerOptions& options,
                                                 supernet::TrainerContext context,
                                                 const supernet::TensorDictionary& weights);

}  // namespace mcunet::pipeline
