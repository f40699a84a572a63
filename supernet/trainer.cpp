#include "mcunet/supernet/trainer.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "fused_conv_batch_norm.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/progress.hpp"
#include "mcunet/supernet/module_weights.hpp"
#include "trainer_state.hpp"

namespace mcunet::supernet {

namespace {

SupernetOptions supernet_options(const TrainerOptions& options, const TrainerContext& context) {
  return {.learned_kernel_transforms = options.learned_kernel_transforms,
          .init = {.seed = context.seed, .zero_residual_scale = options.zero_residual_scale},
          .more_parameters = context.more_parameters};
}

datasets::LoaderOptions loader_options(const TrainerOptions& options,
                                       const TrainerContext& context) {
  return {.batch_size = options.batch_size,
          .workers = options.data_workers,
          .seed = context.seed,
          .rank = context.group->rank(),
          .ranks = context.group->ranks(),
          .step_batches = options.gradient_accumulation};
}

std::vector<std::pair<std::string, at::Tensor>> parameters_of(const Supernet& supernet) {
  std::vector<std::pair<std::string, at::Tensor>> parameters;
  for (const auto& entry : supernet->named_parameters()) {
    parameters.emplace_back(entry.key(), entry.value());
  }
  return parameters;
}

// Entries under a prefix, without it.
TensorDictionary copy_of(const TensorDictionary& tensors) {
  TensorDictionary copies;
  for (const auto& [name, tensor] : tensors) copies.emplace(name, tensor.clone());
  return copies;
}

std::vector<at::Tensor> tensors_of(
    const std::vector<std::pair<std::string, at::Tensor>>& named_tensors) {
  std::vector<at::Tensor> tensors;
  for (const auto& [name, tensor] : named_tensors) tensors.push_back(tensor);
  return tensors;
}

const TrainerContext& checked(const TrainerContext& context, const TrainerOptions& options) {
  const int ranks = context.group->ranks();
  if (ranks <= options.gradient_accumulation) return context;
  throw Error(
      "train.gradient_accumulation: a step has {} batches of {}, fewer than the {} ranks that share "
      "them: with {} (and a batch_size that is smaller, to keep the images of a step) each has one",
      options.gradient_accumulation, options.batch_size, ranks, ranks);
}

}  // namespace

Trainer::State::State(const search::space::SearchSpace& space, const datasets::Dataset& data_,
                      const TrainerOptions& options_, TrainerContext context_)
    : options(options_),
      context(std::move(context_)),
      data(data_),
      phases(phases_of(options_)),
      supernet(space, supernet_options(options_, context)),
      group(*context.group),
      feed(data_, loader_options(options_, checked(context, options_)), context.device),
      store(context.folder / "checkpoints") {
  steps_per_epoch = feed.loader().batches_per_epoch() / options.gradient_accumulation;
  if (steps_per_epoch == 0) {
    throw Error("the training data have {} batches of {}, fewer than one step takes",
                feed.loader().batches_per_epoch(), options.batch_size);
  }
  if (watches_accuracy() && !context.evaluate) {
    throw Error("early stopping: this training has no accuracies to go by");
  }
  if (options.precision == Precision::kFloat16) {
    if (context.device.is_cpu() && !context.forward) {
      throw Error(
          "train.precision: fp16 needs a GPU, and this training is on the CPU: take bf16 or fp32");
    }
    loss_scale.emplace();
  }
  if (!context.objective) context.objective = classification_objective(options, data);
  if (const std::string problem = gpu_problem(context.device); !problem.empty()) {
    spdlog::warn("Training on {}: {}", context.device.str(), problem);
  }
  supernet->to(context.device);
  supernet->train();
  group.use_device(context.device);
  // Before the optimizer, which takes the gradients that are there.
  buckets.emplace(tensors_of(parameters_of(supernet)), group);
  optimizer.emplace(parameters_of(supernet),
                    SgdOptions{.momentum = options.momentum,
                               .nesterov = options.nesterov,
                               .weight_decay = options.weight_decay,
                               .decay_norm_and_bias = options.decay_norm_and_bias});
  lesson.emplace(options, context, supernet, *optimizer, *buckets);
  if (options.ema_decay > 0) {
    average.emplace(supernet, supernet_options(options, context), options.ema_decay);
  }
}

std::pair<const Phase*, std::int64_t> Trainer::State::place() const {
  std::int64_t first = 0;
  for (const Phase& phase : phases) {
    const std::int64_t steps = phase.epochs * steps_per_epoch;
    if (step < first + steps) return {&phase, step - first};
    first += steps;
  }
  throw Error("step {} is past the end of the training", step);
}

std::string Trainer::State::describe_waiting(const Phase& phase) const {
  return fmt::format(
      "phase {}, waiting {:.1f} % for data{}", phase.name, 100 * data_wait_share,
      group.ranks() == 1 ? "" : fmt::format(", {:.1f} % for other ranks", 100 * rank_wait_share));
}

void Trainer::State::begin_phase(const Phase& phase) {
  spdlog::info("Phase {}: {} epochs of {} steps", phase.name, phase.epochs, steps_per_epoch);
  if (phase.epochs_before == 0) optimizer->reset_momentum();
  best_of_phase = {};
  best_weights.clear();
  if (!phase.sorts_channels) return;
  const std::vector<TensorPermutation> permutations = supernet->sort_channels();
  optimizer->reorder(permutations);
  if (average) average->reorder(permutations);
}

void Trainer::State::write_interval(const Phase& phase, double epoch, double rate) {
  const IntervalSums sums = read_sums(interval);
  const double seconds = interval_time.seconds();
  const auto images = static_cast<double>(interval.steps * images_per_step());
  data_wait_share = (feed.loader().wait_seconds() - waited_before) / seconds;
  rank_wait_share = rank_wait / seconds;
  std::vector<Scalar> scalars = {
      {"loss", sums.losses / static_cast<double>(interval.marks.losses)},
      {context.objective->measure_name(), sums.measure / std::max(1.0, sums.measured)},
      {"learning_rate", rate},
      {"gradient_norm", sums.gradient_norms / static_cast<double>(interval.steps)},
      {"images_per_second", images / seconds},
      {"data_wait_share", data_wait_share}};
  if (group.ranks() > 1) scalars.emplace_back("rank_wait_share", rank_wait_share);
  if (log) log->write(step, phase.name, epoch, "train", scalars);
  interval = {};
  rank_wait = 0;
  interval_time.restart();
  waited_before = feed.loader().wait_seconds();
}

void Trainer::State::evaluate(const std::string& phase, double epoch) {
  if (!context.evaluate) return;
  const Stopwatch stopwatch;
  const std::vector<Scalar> scalars = context.evaluate(average ? average->weights() : supernet);
  if (log) log->write(step, phase, epoch, "search", scalars);
  if (!scalars.empty() && scalars.front().second > best.accuracy) {
    best = {scalars.front().second, step};
  }
  if (watches_accuracy() && scalars.front().second > best_of_phase.accuracy) {
    best_of_phase = {scalars.front().second, step};
    best_weights = copy_of(weights_of(average ? *average->weights() : *supernet));
  }
  std::string text;
  for (const auto& [name, value] : scalars) text += fmt::format(", {} {:.4f}", name, value);
  spdlog::info("Epoch {:.0f} of phase {}{}", epoch, phase, text);
  interval_time.exclude(stopwatch.seconds());
}

// Whether no epoch of late was better than the best; the steps that are left of the phase are then
// skipped.
bool Trainer::State::ends_early(const Phase& phase, std::int64_t done_in_phase) {
  const std::int64_t patience = options.early_stopping_patience * steps_per_epoch;
  if (!watches_accuracy() || step - best_of_phase.step < patience) return false;
  const std::int64_t left = phase.epochs * steps_per_epoch - done_in_phase;
  spdlog::info("Phase {} ends {} epochs early: {} brought nothing better", phase.name,
               left / steps_per_epoch, options.early_stopping_patience);
  if (interval.steps > 0) {
    write_interval(phase, static_cast<double>(done_in_phase) / static_cast<double>(steps_per_epoch),
                   learning_rate(phase, done_in_phase - 1));
  }
  skipped_steps += left;
  step += left;
  return true;
}

void Trainer::State::take_best_weights(const Phase& phase) {
  if (best_weights.empty()) return;
  const std::string source = "the best epoch of phase " + phase.name;
  load_weights(*supernet, best_weights, source);
  if (average) load_weights(*average->weights(), best_weights, source);
}

// Logs, evaluates and saves when it is time to.
void Trainer::State::after_step(const Phase& phase, std::int64_t step_in_phase) {
  const std::int64_t done_in_phase = step_in_phase + 1;
  const double epoch = static_cast<double>(done_in_phase) / static_cast<double>(steps_per_epoch);
  const bool ends_epoch = done_in_phase % steps_per_epoch == 0;
  bool ends_phase = done_in_phase == phase.epochs * steps_per_epoch;
  const double rate = learning_rate(phase, step_in_phase);
  const bool logs = ends_phase || interval.steps >= options.log_interval_steps;
  const std::int64_t eval_steps = options.eval_interval_epochs * steps_per_epoch;
  const bool evaluates = ends_phase || (ends_epoch && watches_accuracy()) ||
                         (eval_steps > 0 && done_in_phase % eval_steps == 0);
  const bool by_steps =
      options.checkpoint_interval_steps > 0 && step % options.checkpoint_interval_steps == 0;
  const bool saves = by_steps || agreement.saves || agreement.stops;
  if (logs || evaluates || saves || context.device.is_cpu()) require_finite(phase, rate);
  if (logs) write_interval(phase, epoch, rate);
  if (evaluates) evaluate(phase.name, epoch);
  if (!ends_phase && ends_epoch && ends_early(phase, done_in_phase)) ends_phase = true;
  if (ends_phase) take_best_weights(phase);
  if (ends_phase || saves) save_checkpoint();
}

Trainer::Trainer(const search::space::SearchSpace& space, const datasets::Dataset& data,
                 const TrainerOptions& options, TrainerContext context)
    : state_(std::make_unique<State>(space, data, options, std::move(context))) {}

Trainer::~Trainer() = default;

bool Trainer::resume() {
  const std::optional<Checkpoint> checkpoint = state_->store.load_newest();
  if (!checkpoint) return false;
  const std::string difference =
      first_difference(parse_config(checkpoint->identity, "checkpoint"), state_->context.identity);
  if (!difference.empty()) {
    throw Error("{}: belongs to another configuration: {}", state_->store.newest_file().string(),
                difference);
  }
  state_->restore(*checkpoint);
  return true;
}

TrainingEnd Trainer::train() {
  State& s = *state_;
  s.share_start();
  std::optional<Progress> progress;
  if (s.group.leads()) {
    s.log.emplace(s.context.folder, s.log_position);
    progress.emplace("Training", s.total_steps() * s.images_per_step(), "images",
                     s.step * s.images_per_step());
  }
  s.interval_time.restart();
  s.since_checkpoint.restart();
  while (s.step < s.total_steps()) {
    const auto [phase, step_in_phase] = s.place();
    const std::int64_t before = s.step;
    s.train_step(*phase, step_in_phase);
    ++s.step;
    s.after_step(*phase, step_in_phase);
    if (progress) {
      progress->note(s.describe_waiting(*phase));
      progress->advance((s.step - before) * s.images_per_step());
    }
    if (s.step < s.total_steps() && s.agreement.stops) return TrainingEnd::kStopped;
  }
  return TrainingEnd::kComplete;
}

void Trainer::initialize(const TensorDictionary& weights, const std::string& source) {
  load_weights(*state_->supernet, weights, source);
  if (state_->average) load_weights(*state_->average->weights(), weights, source);
}

Supernet& Trainer::weights() {
  return state_->average ? state_->average->weights() : state_->supernet;
}

std::int64_t Trainer::step() const { return state_->step - state_->skipped_steps; }
std::int64_t Trainer::total_steps() const { return state_->total_steps(); }
BestEvaluation Trainer::best() const { return state_->best; }
std::filesystem::path Trainer::checkpoint_file() const { return state_->store.newest_file(); }

}  // namespace mcunet::supernet
