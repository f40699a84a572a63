#pragma once

#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <c10/core/InferenceMode.h>
#include <torch/utils.h>

#include "mcunet/supernet/fixed_network.hpp"

namespace mcunet::pipeline {

// A small network of all kinds of blocks: with and without expansion and residual, strides 1 and 2.
inline search::space::Network small_network() {
  search::space::Network network;
  network.name = "small";
  network.resolution = 32;
  network.stem_channels = 8;
  network.outputs = 5;
  network.blocks = {
      {.in_channels = 8, .mid_channels = 8, .out_channels = 8, .kernel = 3},
      {.in_channels = 8,
       .mid_channels = 24,
       .out_channels = 16,
       .kernel = 5,
       .stride = 2,
       .expand_ratio = 3},
      {.in_channels = 16,
       .mid_channels = 64,
       .out_channels = 16,
       .kernel = 7,
       .expand_ratio = 4,
       .has_residual = true},
  };
  return network;
}

// Its weights are as large as trained ones, and the batch-norm statistics are no identity.
inline supernet::FixedNetwork trained_network(const search::space::Network& description) {
  supernet::FixedNetwork network(description);
  torch::NoGradGuard no_grad;
  at::manual_seed(5);
  for (const supernet::ConvBatchNorm& unit : network->units()) {
    unit->bn_weight.copy_(at::rand_like(unit->bn_weight) + 0.5);
    unit->bn_bias.copy_(at::randn_like(unit->bn_bias) * 0.5);
    unit->running_mean.copy_(at::randn_like(unit->running_mean) * 0.2);
    unit->running_var.copy_(at::rand_like(unit->running_var) + 0.5);
  }
  network->layers().head_weight.detach().copy_(at::randn_like(network->layers().head_weight));
  network->eval();
  return network;
}

}  // namespace mcunet::pipeline
