#include <ATen/Functions.h>

#include <cmath>

#include "learning_rate.hpp"
#include "mcunet/core/error.hpp"
#include "trainer_state.hpp"

namespace mcunet::supernet {

using search::space::Subnet;

namespace {

// First number of the paths of random streams.
constexpr std::uint64_t kSubnets = 1;

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

}  // namespace

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
  const at::Tensor counts =
      at::tensor({marks.losses, std::int64_t{own.stops}, std::int64_t{own.saves}}, at::kLong);
  group.sum(counts);
  wait_for_sums();
  const std::int64_t* const values = counts.data_ptr<std::int64_t>();
  marks.losses = values[0];
  return {values[1] > 0, values[2] > 0};
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
