#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "mcunet/core/config.hpp"
#include "mcunet/deploy/device.hpp"
#include "mcunet/engine/resources.hpp"
#include "mcunet/search/evolution.hpp"
#include "mcunet/search/nsga.hpp"
#include "mcunet/search/space/search_space.hpp"
#include "mcunet/search/space_optimizer.hpp"

// One job, as one YAML file describes it.
namespace mcunet::pipeline {

// The section `search`.
struct SearchStageOptions {
  search::EvolutionOptions evolution;
  bool random_baseline = true;  // random search at as many evaluations
  // Starts from what evolution evaluated; without iterations the front is of those networks alone.
  search::FrontOptions front{.iterations = 0};
  int threads = 0;  // that plan networks; 0: as many as there are
};

struct Experiment {
  deploy::Device device;
  search::space::SearchSpace space;
  std::uint64_t seed = 0;
  engine::Budget budget;  // the device's, where the file gives no other limit
  engine::OracleOptions oracle;
  search::SpaceOptimizerOptions space_optimization;
  SearchStageOptions search;
};

// The keys of configs/experiments/NAME.yaml. `device` and `space` are names or files, or the
// description itself.
std::vector<Field> fields_of(Experiment& experiment);

Experiment read_experiment(const ConfigNode& root);

// `name` is a file or a name in configs/experiments/; overrides have the form "a.b=c". Throws
// Error.
Experiment load_experiment(const std::string& name, std::span<const std::string> overrides);

}  // namespace mcunet::pipeline
