#pragma once

#include <ATen/core/Generator.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "mcunet/search/space/network.hpp"
#include "mcunet/supernet/conv_batch_norm.hpp"

// The layers of a network of the MobileNet family, their tensors, and the way of the data through
// them. A stand-alone network and a supernet differ only in which slices of the tensors are used.
namespace mcunet::supernet {

struct BlockLayers {
  ConvBatchNorm expand{nullptr};  // absent if the expansion ratio is 1
  ConvBatchNorm depthwise{nullptr};
  ConvBatchNorm project{nullptr};
};

struct NetworkLayers {
  ConvBatchNorm stem{nullptr};
  std::vector<BlockLayers> blocks;
  ConvBatchNorm feature_mix{nullptr};  // absent in most networks
  at::Tensor head_weight;              // [outputs, features]
  at::Tensor head_bias;                // [outputs]
};

// A unit's shape and the tensors to compute with.
struct UnitTensors {
  ConvBatchNormShape shape;
  ConvBatchNormTensors tensors;
};

struct NetworkTensors {
  struct Block {
    std::optional<UnitTensors> expand;
    UnitTensors depthwise;
    UnitTensors project;
    bool has_residual = false;
  };
  UnitTensors stem;
  std::vector<Block> blocks;
  std::optional<UnitTensors> feature_mix;
  search::space::Head head = search::space::Head::kPooled;
  at::Tensor head_weight, head_bias;
};

struct WeightInit {
  std::uint64_t seed = 0;
  // Blocks with a residual begin as the identity: the scale of their last batch norm is 0.
  bool zero_residual_scale = false;
};

struct ForwardOptions {
  Precision precision = Precision::kFloat32;
  double dropout = 0;            // share of the head's inputs, in training mode
  at::Generator generator = {};  // of what is dropped; undefined: libtorch's
  bool moves_statistics = true;  // the running ones of batch norm, in training mode
};

// Makes the layers of a network and registers them with a module, as stem, blocks.I.expand,
// blocks.I.depthwise, blocks.I.project, feature_mix and classifier; each holds weight, bn_weight,
// bn_bias, running_mean and running_var, the classifier weight and bias.
NetworkLayers register_layers(torch::nn::Module& module, const search::space::Network& network);

// Convolutions: normal with variance 2 / fan-out; batch norm: the identity; classifier: normal with
// deviation 0.01. Depends on the seed and the place of the layer in the network.
void initialize_weights(const NetworkLayers& layers, const search::space::Network& network,
                        const WeightInit& init);

// All convolutions in the order of the data: stem, each block's expansion (unless its ratio is 1),
// depthwise and projection, feature mix.
std::vector<ConvBatchNorm> units_of(const NetworkLayers& layers);

// The layers' own tensors, unsliced.
NetworkTensors tensors_of(const NetworkLayers& layers, const search::space::Network& network);

// images [n, channels, height, width] -> outputs in 32-bit floats: logits [n, outputs] of a pooled
// head, [n, outputs, rows, columns] of one on a grid. Dropout is done in
// training only; batch norm follows `statistics`.
at::Tensor run_network(const NetworkTensors& network, const at::Tensor& images,
                       const ForwardOptions& options, NormStatistics statistics, bool training);

}  // namespace mcunet::supernet
