#include "mcunet/supernet/trainer_options.hpp"

namespace mcunet::supernet {

std::vector<Field> fields_of(DetectionLossOptions& options) {
  return {field("box", options.box, between(0, 1e6)),
          field("object", options.object, between(0, 1e6)),
          field("no_object", options.no_object, between(0, 1e6)),
          field("classes", options.classes, between(0, 1e6)),
          field("overlap", options.overlap, between(0, 1))};
}

std::vector<Field> fields_of(TrainerOptions& o) {
  return {field("largest_epochs", o.largest_epochs, between(0, 100'000)),
          field("elastic_epochs", o.elastic_epochs, between(0, 100'000)),
          choice("elastic_sampler", o.elastic_sampler,
                 {{"random", Sampler::kRandom}, {"sandwich", Sampler::kSandwich}}),
          field("subnets_per_batch", o.subnets_per_batch, between(1, 64)),
          field("distillation", o.distillation),
          field("batch_size", o.batch_size, between(2, 65'536)),
          field("gradient_accumulation", o.gradient_accumulation, between(1, 4096)),
          field("learning_rate", o.learning_rate, positive()),
          field("elastic_learning_rate", o.elastic_learning_rate, positive()),
          silent(choice("schedule", o.schedule,
                        {{"phases", Schedule::kPhases}, {"whole", Schedule::kWhole}}),
                 o.schedule == Schedule::kPhases),
          field("warmup_epochs", o.warmup_epochs, between(0, 1000)),
          field("momentum", o.momentum, between(0, 0.9999)),
          field("nesterov", o.nesterov),
          field("weight_decay", o.weight_decay, between(0, 1)),
          field("decay_norm_and_bias", o.decay_norm_and_bias),
          field("label_smoothing", o.label_smoothing, between(0, 0.999)),
          choice("class_weights", o.class_weights,
                 {{"none", ClassWeights::kNone}, {"balanced", ClassWeights::kBalanced}}),
          field("clip_gradient_norm", o.clip_gradient_norm, at_least(0)),
          field("dropout", o.dropout, between(0, 0.99)),
          field("ema_decay", o.ema_decay, between(0, 0.99999)),
          section("early_stopping",
                  {field("patience", o.early_stopping_patience, between(0, 100'000))}),
          field("learned_kernel_transforms", o.learned_kernel_transforms),
          field("zero_residual_scale", o.zero_residual_scale),
          choice("precision", o.precision,
                 {{"fp32", Precision::kFloat32},
                  {"bf16", Precision::kBfloat16},
                  {"fp16", Precision::kFloat16}}),
          field("device", o.device),
          field("threads", o.threads, between(0, 1024)),
          field("data_workers", o.data_workers, between(0, 1024)),
          field("log_interval_steps", o.log_interval_steps, between(1, 1'000'000)),
          field("eval_interval_epochs", o.eval_interval_epochs, between(0, 100'000)),
          field("checkpoint_interval_steps", o.checkpoint_interval_steps, between(0, 1e9)),
          field("checkpoint_interval_minutes", o.checkpoint_interval_minutes, positive())};
}

std::vector<std::string> keys_without_influence() {
  return {"device",
          "threads",
          "data_workers",
          "log_interval_steps",
          "eval_interval_epochs",
          "checkpoint_interval_steps",
          "checkpoint_interval_minutes"};
}

std::vector<Phase> phases_of(const TrainerOptions& options) {
  std::vector<Phase> phases = {{.name = "largest",
                                .epochs = options.largest_epochs,
                                .sampler = Sampler::kLargest,
                                .learning_rate = options.learning_rate,
                                .schedule_epochs = options.largest_epochs},
                               {.name = "elastic",
                                .epochs = options.elastic_epochs,
                                .sampler = options.elastic_sampler,
                                .learning_rate = options.elastic_learning_rate,
                                .schedule_epochs = options.elastic_epochs,
                                .sorts_channels = true}};
  if (options.schedule == Schedule::kWhole) {
    for (Phase& phase : phases) {
      phase.schedule_epochs = options.largest_epochs + options.elastic_epochs;
    }
    phases.back().epochs_before = options.largest_epochs;
  }
  std::erase_if(phases, [](const Phase& phase) { return phase.epochs == 0; });
  return phases;
}

}  // namespace mcunet::supernet
