#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "batch_feed.hpp"
#include "checkpoint.hpp"
#include "gradient_buckets.hpp"
#include "lesson.hpp"
#include "loss_scale.hpp"
#include "marks.hpp"
#include "mcunet/core/stopwatch.hpp"
#include "mcunet/supernet/trainer.hpp"
#include "metrics_log.hpp"
#include "sgd.hpp"
#include "weight_average.hpp"

// What a training is made of: begun, looked at and ended in trainer.cpp; its steps in training_step.cpp; what of
// it is kept, and comes back, in trainer_checkpoint.cpp.
namespace mcunet::supernet {

// What all ranks must know of a step.
struct Agreement {
  bool stops = false;
  bool saves = false;  // because of the time
};

struct Trainer::State {
  State(const search::space::SearchSpace& space, const datasets::Dataset& data,
        const TrainerOptions& options, TrainerContext context);

  // This rank's batches of a step.
  int own_batches() const {
    return (options.gradient_accumulation - group.rank() + group.ranks() - 1) / group.ranks();
  }

  std::int64_t total_steps() const {
    std::int64_t epochs = 0;
    for (const Phase& phase : phases) epochs += phase.epochs;
    return epochs * steps_per_epoch;
  }

  bool watches_accuracy() const { return options.early_stopping_patience > 0; }

  std::int64_t images_per_step() const {
    return std::int64_t{options.batch_size} * options.gradient_accumulation;
  }

  // The phase of the current step, and the step's number within it.
  std::pair<const Phase*, std::int64_t> place() const;
  std::string describe_waiting(const Phase& phase) const;
  void begin_phase(const Phase& phase);
  void write_interval(const Phase& phase, double epoch, double rate);
  void evaluate(const std::string& phase, double epoch);
  bool ends_early(const Phase& phase, std::int64_t done_in_phase);
  void take_best_weights(const Phase& phase);
  void after_step(const Phase& phase, std::int64_t step_in_phase);

  // training_step.cpp
  void train_step(const Phase& phase, std::int64_t step_in_phase);
  double learning_rate(const Phase& phase, std::int64_t step_in_phase) const;
  std::vector<Learner> draw_learners(const Phase& phase) const;
  Marks train_batches(const Phase& phase, at::Tensor& moved);
  void add_up(at::Tensor& moved);
  Agreement agree(Marks& marks);
  void take_step(const Marks& marks, double rate);
  void require_finite(const Phase& phase, double rate) const;

  // trainer_checkpoint.cpp
  Checkpoint checkpoint() const;
  void save_checkpoint();
  void require_same_weights();
  void share_start();
  void restore(const Checkpoint& checkpoint);
  void restore_state(const nlohmann::json& state, const std::string& source);

  TrainerOptions options;
  TrainerContext context;
  const datasets::Dataset& data;
  std::vector<Phase> phases;
  Supernet supernet;
  ProcessGroup& group;
  std::optional<GradientBuckets> buckets;
  std::optional<Sgd> optimizer;
  std::optional<Lesson> lesson;
  std::optional<LossScale> loss_scale;  // of 16-bit floats that have few exponents
  std::optional<WeightAverage> average;
  BatchFeed feed;
  CheckpointStore store;
  std::optional<MetricsLog> log;  // of rank 0
  MetricsLog::Position log_position;
  std::int64_t steps_per_epoch = 0;
  std::int64_t step = 0;  // steps that are done, and those that ended early
  std::int64_t skipped_steps = 0;
  BestEvaluation best;
  BestEvaluation best_of_phase;   // if watches_accuracy()
  TensorDictionary best_weights;  // when it was measured
  Interval interval;
  Agreement agreement;      // of the last step
  Stopwatch interval_time;  // without evaluations and checkpoints
  Stopwatch since_checkpoint;
  double waited_before = 0;    // the loader's, when the interval began
  double rank_wait = 0;        // for other ranks, in seconds of the interval
  double data_wait_share = 0;  // in the last interval
  double rank_wait_share = 0;
};

}  // namespace mcunet::supernet
