#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "bit_widths.hpp"
#include "experiment.hpp"
#include "mcunet/core/run_directory.hpp"
#include "mcunet/search/space/subnet.hpp"
#include "quantization.hpp"
#include "quantization_gain.hpp"
#include "ranks.hpp"
#include "stages.hpp"

namespace mcunet::pipeline {

struct QuantizationAwareResult {
  QuantizationGain gain;
  NetworkWidths widths;
  std::int64_t steps = 0;
  double seconds = 0;    // since the last start
  bool stopped = false;  // by should_stop: nothing but the steps is there
  std::int64_t total_steps = 0;
};

// Trains the fine-tuned network of a run further with its quantization simulated, at the width that
// weights have in the job (simulated_quantization.hpp), on images without augmentation; with finetune.distillation the network in
// floats is its teacher. Batch normalization is folded with the statistics that fine-tuning left,
// and activations keep the ranges that post-training quantization chose. Then measures both
// networks quantized on the held-out split and warns if this one is worse. Writes
// quantization_aware.pt and quantization_aware.json, and while it works the folder
// quantization_aware/. A stage that is complete is read back, if `resume`. Throws Error as
// run_finetune_stage does.
QuantizationAwareResult run_quantization_aware_stage(const Experiment& experiment,
                                                     const search::space::SearchSpace& space,
                                                     const search::space::Subnet& subnet,
                                                     RunDirectory& run, bool resume,
                                                     const std::function<bool()>& should_stop,
                                                     const Ranks& ranks = alone());

// What the other ranks do in it.
void take_part_in_quantization_aware(const Experiment& experiment,
                                     const search::space::SearchSpace& space,
                                     const search::space::Subnet& subnet,
                                     const std::filesystem::path& run, const Ranks& ranks,
                                     const std::function<bool()>& should_stop);

struct QuantizationAwareNetwork {
  QuantizedNetwork quantized;  // the better one by the gain
  QuantizationGain gain;
};

// What the stage left in a run of a job with these options. Throws Error if there is none.
QuantizationAwareNetwork load_quantization_aware(const std::filesystem::path& run,
                                                 const QuantizationOptions& options = {});

}  // namespace mcunet::pipeline
