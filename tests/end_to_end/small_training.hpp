#pragma once

namespace mcunet {

// A training of a few seconds, on one thread so that a busy machine gives the same bits.
inline constexpr char kSmallTraining[] =
    "device: stm32f746\n"
    "space:\n"
    "  name: small\n"
    "  widths: [0.5]\n"
    "  resolutions: [32]\n"
    "  stem_channels: 16\n"
    "  stages:\n"
    "  - {channels: 16, stride: 2, depths: [1, 2], kernels: [3, 5], expand_ratios: [3, 4]}\n"
    "  - {channels: 32, stride: 2, depths: [1, 2], kernels: [3, 5], expand_ratios: [3, 4]}\n"
    "dataset: {kind: synthetic-images, synthetic: {examples: 160, held_out_examples: 80}}\n"
    "train:\n"
    "  largest_epochs: 3\n"
    "  elastic_epochs: 3\n"
    "  subnets_per_batch: 2\n"
    "  batch_size: 16\n"
    "  learning_rate: 1\n"
    "  elastic_learning_rate: 0.5\n"
    "  threads: 1\n"
    "  data_workers: 1\n"
    "  calibration_batches: 2\n"
    "  correlation_samples: 4\n";

}  // namespace mcunet
