#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "assessment.hpp"
#include "experiment.hpp"
#include "mcunet/core/run_directory.hpp"
#include "mcunet/search/space/subnet.hpp"
#include "ranks.hpp"
#include "stages.hpp"

namespace mcunet::pipeline {

// The space that a supernet is trained for: it has one width.
struct TrainingSpace {
  search::space::SearchSpace space;
  std::string chosen_by;  // where width and resolution come from, in words
};

// Width and resolution are those of the section `train`; else the best of space.json, if the run
// has it; else the space's own. Throws Error if the space has several widths.
TrainingSpace choose_training_space(const Experiment& experiment,
                                    const std::filesystem::path& run_folder);

struct SubnetAccuracy {
  search::space::Subnet subnet;
  std::int64_t macs = 0;
  double score = 0;
};

struct TrainResult {
  double width = 0;
  int resolution = 0;
  std::string chosen_by;
  std::string device;
  std::int64_t steps = 0;
  double seconds = 0;  // of training and evaluation, since the last start
  std::int64_t search_examples = 0;
  SubnetAccuracy largest;  // on the search split
  SubnetAccuracy smallest;
  std::vector<SubnetAccuracy> sampled;
  // Of scores with MACs over the sampled; absent for fewer than 2.
  std::optional<double> spearman;
  Score test;            // of the largest, on the test split
  bool stopped = false;  // by should_stop: nothing but the steps is there
  std::int64_t total_steps = 0;
};

// Trains the supernet of the experiment, by all ranks, and writes its weights and train.json to the run
// directory. A stage that is complete is read back instead, if `resume`. Throws Error if the folder holds
// checkpoints and `resume` is not set.
TrainResult run_train_stage(const Experiment& experiment, RunDirectory& run, bool resume,
                            const std::function<bool()>& should_stop, const Ranks& ranks = alone());

// What the other ranks do in it.
void take_part_in_training(const Experiment& experiment, const std::filesystem::path& run,
                           const Ranks& ranks, const std::function<bool()>& should_stop);

// train.json, and its inverse; `source` names the text in errors.
std::string train_result_to_json(const TrainResult& result,
                                 const search::space::SearchSpace& space);
TrainResult train_result_from_json(const std::string& text, const search::space::SearchSpace& space,
                                   const std::string& source);

// How good any sub-network of a trained supernet is.
struct EvalRequest {
  std::filesystem::path run;
  std::string subnet;  // "largest", "smallest", or a file: sub-network or network JSON
  bool on_test_split = false;
};

struct EvalResult {
  search::space::Subnet subnet;
  std::string json;  // the sub-network as a file
  Assessment assessment;
  double loss = 0;
  engine::Resources resources;
  engine::BitWidths widths;  // by which they are planned
  engine::Budget budget;
  std::string device_name;
  datasets::Preprocessing preprocessing;  // of the examples
};

EvalResult evaluate_subnet(const EvalRequest& request);

}  // namespace mcunet::pipeline
