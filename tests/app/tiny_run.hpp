#pragma once

#include <gmock/gmock.h>

#include <string>

#include "core/temporary_folder.hpp"
#include "mcunet/supernet/module_weights.hpp"
#include "mcunet/supernet/tensor_file.hpp"
#include "pipeline/experiment.hpp"
#include "pipeline/train_stage.hpp"
#include "pipeline/trained_supernet.hpp"

namespace mcunet::pipeline {

// A run with a supernet of random weights, whose stages take a fraction of a second.
class TinyRun : public testing::Test {
 protected:
  TinyRun() {
    folder_.write("tiny.yaml",
                  "device: stm32f746\n"
                  "seed: 3\n"
                  "space:\n"
                  "  name: tiny\n"
                  "  widths: [1]\n"
                  "  resolutions: [16]\n"
                  "  stem_channels: 8\n"
                  "  first_block_channels: 8\n"
                  "  stages:\n"
                  "  - {channels: 8, stride: 2, depths: [1, 2], kernels: [3, 5],\n"
                  "     expand_ratios: [2, 3]}\n"
                  "  - {channels: 16, stride: 2, depths: [1, 2], kernels: [3, 5],\n"
                  "     expand_ratios: [2, 3]}\n"
                  "dataset: {kind: synthetic-images,\n"
                  "  synthetic: {examples: 64, held_out_examples: 48}}\n"
                  "train: {batch_size: 8, threads: 1, data_workers: 1, calibration_batches: 1,\n"
                  "  warmup_epochs: 0, weight_decay: 0}\n"
                  "search: {population: 4, parents: 2, crossovers: 2, mutations: 2,\n"
                  "  iterations: 1, threads: 1}\n"
                  "finetune: {epochs: 2, learning_rate: 0.5}\n");
    write_supernet(1);
  }

  Experiment experiment(const std::vector<std::string>& overrides = {}) const {
    return load_experiment((folder_ / "tiny.yaml").string(), overrides);
  }

  search::space::SearchSpace space() const { return experiment().space; }

  std::filesystem::path run_folder() const { return folder_ / "run"; }

  RunDirectory open(Experiment experiment) const {
    return {run_folder(), write_fields(fields_of(experiment)), experiment.seed, /*resume=*/true,
            changes_on_resume()};
  }

  // As the train stage would leave it.
  void write_supernet(std::uint64_t seed) const {
    const supernet::Supernet network(space(), supernet::SupernetOptions{.init = {.seed = seed}});
    std::filesystem::create_directories(run_folder());
    supernet::write_tensor_file(run_folder() / kWeightsFile, supernet::weights_of(*network));
  }

  ScopedVariable configs_{"MCUNET_CONFIGS", MCUNET_SOURCE_DIR "/configs"};
  TemporaryFolder folder_;
};

}  // namespace mcunet::pipeline
