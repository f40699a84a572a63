#include <ATen/core/grad_mode.h>

#include <cmath>

#include "mcunet/core/random.hpp"
#include "mcunet/supernet/network_layers.hpp"

namespace mcunet::supernet {
namespace {

constexpr double kClassifierDeviation = 0.01;

void fill_normal(at::Tensor tensor, double deviation, RandomStream random) {
  float* values = tensor.data_ptr<float>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    values[i] = static_cast<float>(deviation * random.normal());
  }
}

// He's initialization over the fan-out of the layer; each output of a depthwise layer has one
// input.
void initialize(const ConvBatchNorm& unit, RandomStream random) {
  if (unit.is_empty()) return;
  const ConvBatchNormShape& shape = unit->shape();
  const std::int64_t outputs = shape.depthwise ? 1 : shape.out_channels;
  const auto fan_out = static_cast<double>(outputs * shape.kernel_rows() * shape.kernel);
  fill_normal(unit->weight, std::sqrt(2 / fan_out), random);
  unit->bn_weight.fill_(1);
  unit->bn_bias.zero_();
  unit->running_mean.zero_();
  unit->running_var.fill_(1);
}

}  // namespace

void initialize_weights(const NetworkLayers& layers, const search::space::Network& network,
                        const WeightInit& init) {
  const at::NoGradGuard no_grad;
  enum Part : std::uint64_t { kStem, kBlocks, kFeatureMix, kClassifier };
  initialize(layers.stem, RandomStream(init.seed, {kStem}));
  for (std::size_t i = 0; i < layers.blocks.size(); ++i) {
    const BlockLayers& block = layers.blocks[i];
    initialize(block.expand, RandomStream(init.seed, {kBlocks, i, 0}));
    initialize(block.depthwise, RandomStream(init.seed, {kBlocks, i, 1}));
    initialize(block.project, RandomStream(init.seed, {kBlocks, i, 2}));
    if (init.zero_residual_scale && network.blocks[i].has_residual) {
      block.project->bn_weight.zero_();
    }
  }
  initialize(layers.feature_mix, RandomStream(init.seed, {kFeatureMix}));
  fill_normal(layers.head_weight, kClassifierDeviation, RandomStream(init.seed, {kClassifier}));
  layers.head_bias.zero_();
}

}  // namespace mcunet::supernet
