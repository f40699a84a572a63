#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "mcunet/core/crc32c.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/supernet/module_weights.hpp"
#include "trainer_state.hpp"

namespace mcunet::supernet {

using Json = nlohmann::json;

namespace {

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

}  // namespace mcunet::supernet
