#include "mcunet/supernet/trainer.hpp"

#include <ATen/Functions.h>
#include <c10/core/GradMode.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "batch_feed.hpp"
#include "checkpoint.hpp"
#include "learning_rate.hpp"
#include "lesson.hpp"
#include "loss_scale.hpp"
#include "marks.hpp"
#include "mcunet/core/crc32c.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/progress.hpp"
#include "mcunet/core/stopwatch.hpp"
#include "mcunet/supernet/module_weights.hpp"
#include "metrics_log.hpp"
#include "weight_average.hpp"

namespace mcunet::supernet {

using Json = nlohmann::json;
using search::space::Subnet;

namespace {

// First number of the paths of random streams.
constexpr std::uint64_t kSubnets = 1;

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
TensorDictionary under(const TensorDictionary& tensors, const std::string& prefix) {
  TensorDictionary found;
  for (const auto& [name, tensor] : tensors) {
    if (name.starts_with(prefix)) found.emplace(name.substr(prefix.size()), tensor);
  }
  return found;
}

void add_under(TensorDictionary& tensors, const std::string& prefix,
               const TensorDictionary& added) {
  for (const auto& [name, tensor] : added) tensors.emplace(prefix + name, tensor);
}

// What all ranks must know of a step.
struct Agreement {
  bool stops = false;
  bool saves = false;  // because of the time
};

// The elements of some tensors in a row, and their way back.
at::Tensor flat_copy(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> flat;
  for (const at::Tensor& tensor : tensors) flat.push_back(tensor.flatten());
  return at::cat(flat);
}

void write_flat(const at::Tensor& flat, const std::vector<at::Tensor>& tensors) {
  std::int64_t offset = 0;
  for (const at::Tensor& tensor : tensors) {
    tensor.copy_(flat.narrow(0, offset, tensor.numel()).view(tensor.sizes()));
    offset += tensor.numel();
  }
}

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

std::string checksum_of(const std::vector<at::Tensor>& tensors) {
  std::string checksums;
  for (const at::Tensor& tensor : tensors) {
    const at::Tensor bytes = tensor.detach().to(at::kCPU).contiguous();
    checksums +=
        fmt::format("{:08x}", crc32c({static_cast<const char*>(bytes.data_ptr()), bytes.nbytes()}));
  }
  return fmt::format("{:08x}", crc32c(checksums));
}

Json to_json(const BestEvaluation& best) {
  return {{"accuracy", best.accuracy}, {"step", best.step}};
}

BestEvaluation best_from_json(const Json& json) { return {json.at("accuracy"), json.at("step")}; }

}  // namespace

struct Trainer::State {
  State(const search::space::SearchSpace& space, const datasets::Dataset& data_,
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

  static const TrainerContext& checked(const TrainerContext& context,
                                       const TrainerOptions& options) {
    const int ranks = context.group->ranks();
    if (ranks <= options.gradient_accumulation) return context;
    throw Error(
        "train.gradient_accumulation: a step has {} batches of {}, fewer than the {} ranks that share "
        "them: with {} (and a batch_size that is smaller, to keep the images of a step) each has one",
        options.gradient_accumulation, options.batch_size, ranks, ranks);
  }

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
  std::pair<const Phase*, std::int64_t> place() const {
    std::int64_t first = 0;
    for (const Phase& phase : phases) {
      const std::int64_t steps = phase.epochs * steps_per_epoch;
      if (step < first + steps) return {&phase, step - first};
      first += steps;
    }
    throw Error("step {} is past the end of the training", step);
  }

  std::string describe_waiting(const Phase& phase) const {
    return fmt::format(
        "phase {}, waiting {:.1f} % for data{}", phase.name, 100 * data_wait_share,
        group.ranks() == 1 ? "" : fmt::format(", {:.1f} % for other ranks", 100 * rank_wait_share));
  }

  void begin_phase(const Phase& phase);
  double learning_rate(const Phase& phase, std::int64_t step_in_phase) const;
  std::vector<Learner> draw_learners(const Phase& phase) const;
  Marks train_batches(const Phase& phase, at::Tensor& moved);
  void add_up(at::Tensor& moved);
  Agreement agree(Marks& marks);
  void require_same_weights();
  void train_step(const Phase& phase, std::int64_t step_in_phase);
  void take_step(const Marks& marks, double rate);
  void require_finite(const Phase& phase, double rate) const;
  void write_interval(const Phase& phase, double epoch, double rate);
  void evaluate(const std::string& phase, double epoch);
  bool ends_early(const Phase& phase, std::int64_t done_in_phase);
  void take_best_weights(const Phase& phase);
  void after_step(const Phase& phase, std::int64_t step_in_phase);
  Checkpoint checkpoint() const;
  void save_checkpoint();
  void share_start();
  void restore(const Checkpoint& checkpoint);
  void restore_state(const Json& state, const std::string& source);

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

double Trainer::State::learning_rate(const Phase& phase, std::int64_t step_in_phase) const {
  const LearningRateSchedule schedule{
      .peak = phase.learning_rate * static_cast<double>(images_per_step()) / 256,
      .warmup_steps = std::llround(std::min<double>(options.warmup_epochs, phase.schedule_epochs) *
                                   steps_per_epoch),
      .steps = phase.schedule_epochs * steps_per_epoch};
  return schedule.at(phase.epochs_before * steps_per_epoch + step_in_phase);
}

std::vector<Learner> Trainer::State::draw_learners(const Phase& phase) const {
  RandomStream random(context.seed, {kSubnets, 0, static_cast<std::uint64_t>(step)});
  if (context.draw) return context.draw(random);
  std::vector<Learner> learners;
  for (Subnet& subnet :
       draw_subnets(supernet->space(), phase.sampler, options.subnets_per_batch, random)) {
    learners.push_back({std::move(subnet)});
  }
  return learners;
}

// Those of this rank. All batches of a step move the running statistics from the same start; `moved` is the
// sum of where they came to, of which a step of one batch has no need.
Marks Trainer::State::train_batches(const Phase& phase, at::Tensor& moved) {
  const std::vector<Learner> learners = draw_learners(phase);
  const bool distils = options.distillation && phase.sampler == Sampler::kSandwich;
  const int own = own_batches();
  const at::Tensor start = own > 1 ? flat_copy(supernet->buffers()) : at::Tensor();
  Marks marks;
  for (int i = 0; i < own; ++i) {
    if (i > 0) write_flat(start, supernet->buffers());
    std::optional<BatchTensors> batch = feed.next();
    if (!batch) throw Error("the loader ended before its epoch");
    marks += lesson->give({.tensors = std::move(*batch),
                           .step = step,
                           .number = group.rank() + i * group.ranks(),
                           .is_last = i + 1 == own,
                           .loss_factor = loss_scale ? loss_scale->factor : 1},
                          learners, distils);
    if (i + 1 < own) feed.prefetch();
    if (options.gradient_accumulation == 1) continue;
    const at::Tensor now = flat_copy(supernet->buffers());
    moved = moved.defined() ? moved + now : now;
  }
  return marks;
}

// The gradients become those of all ranks together, the running statistics the mean over all batches of
// where they were moved: it does not matter which rank had which batch.
void Trainer::State::add_up(at::Tensor& moved) {
  if (!moved.defined()) return;
  buckets->finish();
  group.sum(moved);
  write_flat(moved / options.gradient_accumulation, supernet->buffers());
}

// The marks become those of all ranks.
Agreement Trainer::State::agree(Marks& marks) {
  const bool is_due = since_checkpoint.seconds() > 60 * options.checkpoint_interval_minutes;
  const Agreement own{context.should_stop(), group.leads() && is_due};
  if (group.ranks() == 1) return own;
  const auto wait_for_sums = group.start_sum(marks.sums);
  const at::Tensor counts = at::tensor(
      {marks.losses, marks.measured, std::int64_t{own.stops}, std::int64_t{own.saves}}, at::kLong);
  group.sum(counts);
  wait_for_sums();
  const std::int64_t* const values = counts.data_ptr<std::int64_t>();
  marks.losses = values[0];
  marks.measured = values[1];
  return {values[2] > 0, values[3] > 0};
}

void Trainer::State::train_step(const Phase& phase, std::int64_t step_in_phase) {
  if (step_in_phase == 0) begin_phase(phase);
  if (step_in_phase % steps_per_epoch == 0) feed.start_epoch(step / steps_per_epoch);
  optimizer->zero_gradients();
  at::Tensor moved;
  Marks marks = train_batches(phase, moved);
  const double waited_before_sums = group.wait_seconds();
  add_up(moved);
  agreement = agree(marks);
  rank_wait += group.wait_seconds() - waited_before_sums;
  take_step(marks, learning_rate(phase, step_in_phase));
  feed.prefetch();
}

// Unless the gradients have overflowed.
void Trainer::State::take_step(const Marks& marks, double rate) {
  at::Tensor norm = optimizer->gradient_norm();
  if (loss_scale) {
    // To leave a step out, this alone must wait for a GPU in every step.
    const bool overflowed = !std::isfinite(norm.item<double>());
    const double factor = loss_scale->factor;
    loss_scale->update(overflowed);
    if (overflowed && !loss_scale->is_exhausted()) {
      return interval.add(marks, at::zeros_like(norm));
    }
    norm = norm / factor;
    optimizer->scale_gradients(at::full_like(norm, 1 / factor));
  }
  if (options.clip_gradient_norm > 0) {
    optimizer->scale_gradients((options.clip_gradient_norm / norm).clamp_max(1));
  }
  optimizer->step(rate);
  if (average) average->update(supernet, step);
  interval.add(marks, norm);
}

// A loss or gradient that is none shows in the sums of its interval. On a GPU they are looked at only when they
// are read in any case, always before anything is evaluated or saved.
void Trainer::State::require_finite(const Phase& phase, double rate) const {
  const IntervalSums sums = read_sums(interval);
  if (sums.are_finite()) return;
  const std::filesystem::path file = store.newest_file();
  throw Error(
      "training diverged at step {} of phase {}: the loss is {}, "
      "the norm of its gradient {}, at a learning rate of {:.4g}; {}",
      context.device.is_cpu() || interval.steps == 1
          ? std::to_string(step - 1)
          : fmt::format("{} or one of the {} before it", step - 1, interval.steps - 1),
      phase.name, sums.losses / static_cast<double>(interval.marks.losses),
      sums.gradient_norms / static_cast<double>(interval.steps), rate,
      file.empty() ? "there is no checkpoint yet" : "the last good checkpoint is " + file.string());
}

void Trainer::State::require_same_weights() {
  if (group.ranks() == 1) return;
  const std::vector<std::string> all = group.gather(checksum_of(supernet->parameters()));
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank] == all[0]) continue;
    throw Error(
        "after step {} the weights of rank {} are not those of rank 0: all ranks must run the same "
        "program, on processors or GPUs of the same kind",
        step, rank);
  }
}

void Trainer::State::write_interval(const Phase& phase, double epoch, double rate) {
  const IntervalSums sums = read_sums(interval);
  const double seconds = interval_time.seconds();
  const auto images = static_cast<double>(interval.steps * images_per_step());
  data_wait_share = (feed.loader().wait_seconds() - waited_before) / seconds;
  rank_wait_share = rank_wait / seconds;
  std::vector<Scalar> scalars = {
      {"loss", sums.losses / static_cast<double>(interval.marks.losses)},
      {context.objective->measure_name(),
       sums.measure / static_cast<double>(std::max<std::int64_t>(1, interval.marks.measured))},
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

Checkpoint Trainer::State::checkpoint() const {
  TensorDictionary tensors;
  add_under(tensors, "weights.", weights_of(*supernet));
  add_under(tensors, "momentum.", optimizer->state());
  if (average) add_under(tensors, "average.", weights_of(*average->weights()));
  add_under(tensors, "best.", best_weights);
  Json state = {
      {"epoch", step / steps_per_epoch},
      {"batch", step % steps_per_epoch * options.gradient_accumulation},
      {"steps_per_epoch", steps_per_epoch},
      {"best", to_json(best)},
      {"best_of_phase", to_json(best_of_phase)},
      {"skipped_steps", skipped_steps},
      {"interval", to_json(interval)},
      {"log", {{"jsonl", log_position.jsonl_bytes}, {"events", log_position.event_bytes}}}};
  if (loss_scale) state["loss_scale"] = {loss_scale->factor, loss_scale->good_steps};
  return {.step = step,
          .identity = to_json_text(context.identity),
          .state = state.dump(),
          .tensors = std::move(tensors)};
}

void Trainer::State::save_checkpoint() {
  const Stopwatch stopwatch;
  require_same_weights();
  if (group.leads()) {
    log_position = log->flush();
    store.save(checkpoint());
  }
  since_checkpoint.restart();
  interval_time.exclude(stopwatch.seconds());
}

// All ranks begin where rank 0 does.
void Trainer::State::share_start() {
  if (group.ranks() == 1) return;
  const std::string bytes = group.broadcast(group.leads() ? to_bytes(checkpoint()) : "");
  if (!group.leads()) restore(checkpoint_from_bytes(bytes, "what rank 0 begins with"));
  spdlog::info("{} ranks share the {} batches of each step and add up {:.2f} MB of gradients by {}",
               group.ranks(), options.gradient_accumulation,
               static_cast<double>(buckets->bytes()) / 1e6, group.transport());
}

void Trainer::State::restore(const Checkpoint& checkpoint) {
  const std::string source = fmt::format("the checkpoint of step {}", checkpoint.step);
  try {
    restore_state(Json::parse(checkpoint.state), source);
  } catch (const Json::exception& error) {
    throw Error("{}: is damaged: {}", source, error.what());
  }
  if (checkpoint.step < 0 || checkpoint.step > total_steps()) {
    throw Error("{}: the training has {} steps", source, total_steps());
  }
  if (skipped_steps < 0 || skipped_steps > checkpoint.step) {
    throw Error("{}: is damaged: {} of its steps were skipped", source, skipped_steps);
  }
  step = checkpoint.step;
  load_weights(*supernet, under(checkpoint.tensors, "weights."), source + ": weights");
  optimizer->load_state(under(checkpoint.tensors, "momentum."), source + ": momentum");
  if (average) {
    load_weights(*average->weights(), under(checkpoint.tensors, "average."), source + ": average");
  }
  best_weights = under(checkpoint.tensors, "best.");
  const std::int64_t steps_done = step % steps_per_epoch;
  if (steps_done > 0) {
    feed.start_epoch(step / steps_per_epoch, steps_done * options.gradient_accumulation);
  }
}

// What save_checkpoint keeps beside the tensors.
void Trainer::State::restore_state(const Json& state, const std::string& source) {
  if (state.at("steps_per_epoch") != steps_per_epoch) {
    throw Error("{}: an epoch had {} steps, and has {} now: the training data changed", source,
                state.at("steps_per_epoch").get<std::int64_t>(), steps_per_epoch);
  }
  best = best_from_json(state.at("best"));
  best_of_phase = best_from_json(state.at("best_of_phase"));
  skipped_steps = state.at("skipped_steps");
  interval = interval_from_json(state.at("interval"), context.device);
  if (loss_scale) *loss_scale = {state.at("loss_scale").at(0), state.at("loss_scale").at(1)};
  log_position = {state.at("log").at("jsonl"), state.at("log").at("events")};
  if (log_position.jsonl_bytes < 0 || log_position.event_bytes < 0) {
    throw Error("{}: is damaged: its place in the log is negative", source);
  }
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

std::vector<Subnet> draw_subnets(const search::space::SearchSpace& space, Sampler sampler,
                                 int count, RandomStream& random) {
  std::vector<Subnet> subnets;
  if (sampler == Sampler::kLargest) return {search::space::largest(space)};
  if (sampler == Sampler::kSandwich) {
    subnets.push_back(search::space::largest(space));
    if (count > 1) subnets.push_back(search::space::smallest(space));
  }
  while (static_cast<int>(subnets.size()) < count) {
    subnets.push_back(search::space::sample(space, search::space::Sampling::kUniformGenes, random));
  }
  return subnets;
}

}  // namespace mcunet::supernet
