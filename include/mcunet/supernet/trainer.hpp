#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mcunet/datasets/dataset.hpp"
#include "mcunet/supernet/objective.hpp"
#include "mcunet/supernet/process_group.hpp"
#include "mcunet/supernet/supernet.hpp"
#include "mcunet/supernet/tensor_file.hpp"
#include "mcunet/supernet/trainer_options.hpp"

namespace mcunet::supernet {

// A sub-network that learns from a step, and what its loss counts.
struct Learner {
  search::space::Subnet subnet;
  double weight = 1;
};

// Where a training runs and what it belongs to.
struct TrainerContext {
  std::filesystem::path folder;  // gets checkpoints/, train.jsonl and tensorboard/
  ConfigNode identity;           // what the weights depend on: a checkpoint of another is refused
  std::uint64_t seed = 0;
  at::Device device = at::kCPU;
  // Whose ranks share the batches of each step; rank 0 alone reads and writes the folder.
  std::shared_ptr<ProcessGroup> group = std::make_shared<ProcessGroup>();

  // Asked in every step; the training then stops with a checkpoint, whichever rank was asked.
  std::function<bool()> should_stop = [] { return false; };

  // Absent: classification, by the options.
  std::shared_ptr<const Objective> objective;

  // Draws the sub-networks that learn from a step; absent: the sampler of the phase does.
  std::function<std::vector<Learner>(RandomStream&)> draw;

  // Gives outputs for images [n, channels, height, width]; if set, half of the loss of every
  // sub-network is the distance from these.
  std::function<at::Tensor(const at::Tensor& images)> teacher;

  // Gives the outputs of a sub-network in training; absent: the supernet's own forward, in the
  // precision of the options and with their dropout.
  std::function<at::Tensor(const Supernet&, const search::space::Subnet&, const at::Tensor& images)>
      forward;

  // What is trained, averaged and kept beside the layers' parameters, for `forward` to use: see
  // SupernetOptions.
  TensorDictionary more_parameters = {};

  // Named scores of a supernet, the one that decides on "best" first; it must not change it.
  std::function<std::vector<std::pair<std::string, double>>(const Supernet&)> evaluate;
};

enum class TrainingEnd { kComplete, kStopped };

// The score that context.evaluate told first, when it was highest.
struct BestEvaluation {
  double accuracy = -1;
  std::int64_t step = 0;
};

// Trains a supernet (paper, Appendix D and E): the phases of the options in turn. The sub-networks of a
// step, which are those of all its batches, are drawn from (seed, step) alone, dropout from (seed, step,
// batch). A checkpoint holds all that there is, so that a training that was interrupted at any moment
// ends with the same bits on a CPU, given the same number of threads.
//
// The ranks of a group train one supernet together: a step's batches are divided among them, the
// gradients added up, and what a step does does not depend on how many ranks there are, but for the
// rounding of sums. So a training may go on with another number of ranks, at most as many as a step has
// batches. All ranks call the same members in the same order; initialize() and resume() matter at rank 0
// alone, whose weights train() begins with.
class Trainer {
 public:
  // The dataset must outlive the trainer; its images have the largest resolution of the space. Throws
  // Error if a step has fewer batches than there are ranks, or an epoch no step.
  Trainer(const search::space::SearchSpace& space, const datasets::Dataset& data,
          const TrainerOptions& options, TrainerContext context);
  ~Trainer();

  // Begins from given weights instead of random ones. Throws Error as load_weights does.
  void initialize(const TensorDictionary& weights, const std::string& source);

  // Takes over the newest checkpoint that is whole; false if there is none. Throws Error if it
  // belongs to another configuration.
  bool resume();

  // Trains to the end. Throws Error, with the last checkpoint in place, if a loss or gradient is
  // not finite, a file cannot be written, or the ranks no longer have the same weights.
  TrainingEnd train();

  // The weights to use: the averaged ones if there are any.
  Supernet& weights();

  std::int64_t step() const;         // steps that were trained
  std::int64_t total_steps() const;  // at most: phases may end early
  BestEvaluation best() const;

  // The file of the newest checkpoint; empty if there is none.
  std::filesystem::path checkpoint_file() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The sub-networks of one batch. The largest, if among them, comes first.
std::vector<search::space::Subnet> draw_subnets(const search::space::SearchSpace& space,
                                                Sampler sampler, int count, RandomStream& random);

}  // namespace mcunet::supernet
