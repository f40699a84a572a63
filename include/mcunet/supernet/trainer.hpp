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
#include "mcunet/supernet/supernet.hpp"
#include "mcunet/supernet/tensor_file.hpp"
#include "mcunet/supernet/trainer_options.hpp"

namespace mcunet::supernet {

// Where a training runs and what it belongs to.
struct TrainerContext {
  std::filesystem::path folder;  // gets checkpoints/, train.jsonl and tensorboard/
  ConfigNode identity;           // what the weights depend on: a checkpoint of another is refused
  std::uint64_t seed = 0;
  int rank = 0;  // of `ranks` processes; only rank 0 writes measurements
  int ranks = 1;
  at::Device device = at::kCPU;

  // Asked after every step; the training then stops with a checkpoint.
  std::function<bool()> should_stop = [] { return false; };

  // Absent: classification, by the options.
  std::shared_ptr<const Objective> objective;

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

// Trains a supernet (paper, Appendix D and E): the phases of the options in turn, every sub-network
// and dropout drawn from (seed, rank, step) alone. A checkpoint holds all that the process owns, so
// that a training that was interrupted at any moment ends with the same bits on a CPU, given the
// same number of threads.
class Trainer {
 public:
  // The dataset must outlive the trainer; its images have the largest resolution of the space.
  Trainer(const search::space::SearchSpace& space, const datasets::Dataset& data,
          const TrainerOptions& options, TrainerContext context);
  ~Trainer();

  // Begins from given weights instead of random ones. Throws Error as load_weights does.
  void initialize(const TensorDictionary& weights, const std::string& source);

  // Takes over the newest checkpoint that is whole; false if there is none. Throws Error if it
  // belongs to another configuration.
  bool resume();

  // Trains to the end. Throws Error, with the last checkpoint in place, if a loss or gradient is
  // not finite or a file cannot be written.
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
