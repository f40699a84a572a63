#include "mcunet/supernet/network_layers.hpp"

#include <string>

#include "mcunet/core/error.hpp"

namespace mcunet::supernet {
namespace {

using engine::Activation;
using search::space::Head;
using search::space::InvertedResidual;
using search::space::Network;

// Convolutions have parameters of their own; a group of layers only gives its children a name.
class LayerGroup : public torch::nn::Module {};

class Classifier : public torch::nn::Module {
 public:
  Classifier(std::int64_t features, std::int64_t classes)
      : weight(register_parameter("weight", at::zeros({classes, features}))),
        bias(register_parameter("bias", at::zeros({classes}))) {}

  at::Tensor weight, bias;
};

ConvBatchNormShape point_shape(std::int64_t in, std::int64_t out, const Network& network,
                               Activation activation) {
  return {.in_channels = in,
          .out_channels = out,
          .activation = activation,
          .epsilon = network.batch_norm_epsilon,
          .momentum = network.batch_norm_momentum};
}

ConvBatchNormShape stem_shape(const Network& network) {
  ConvBatchNormShape shape =
      point_shape(network.image_channels, network.stem_channels, network, network.activation);
  shape.form = network.form;
  shape.kernel = network.stem_kernel;
  shape.stride = network.stem_stride;
  return shape;
}

ConvBatchNormShape depthwise_shape(const InvertedResidual& block, const Network& network) {
  ConvBatchNormShape shape =
      point_shape(block.mid_channels, block.mid_channels, network, network.activation);
  shape.form = network.form;
  shape.kernel = block.kernel;
  shape.stride = block.stride;
  shape.depthwise = true;
  return shape;
}

BlockLayers make_block(torch::nn::Module& group, const InvertedResidual& block,
                       const Network& network) {
  BlockLayers layers;
  if (block.expand_ratio != 1) {
    layers.expand = group.register_module(
        "expand", ConvBatchNorm(point_shape(block.in_channels, block.mid_channels, network,
                                            network.activation)));
  }
  layers.depthwise =
      group.register_module("depthwise", ConvBatchNorm(depthwise_shape(block, network)));
  layers.project = group.register_module(
      "project", ConvBatchNorm(point_shape(block.mid_channels, block.out_channels, network,
                                           Activation::kNone)));
  return layers;
}

at::ScalarType type_of(Precision precision) {
  switch (precision) {
    case Precision::kFloat32:
      return at::kFloat;
    case Precision::kBfloat16:
      return at::kBFloat16;
    case Precision::kFloat16:
      return at::kHalf;
  }
  throw Error("unknown precision {}", static_cast<int>(precision));
}

UnitTensors tensors_of(const ConvBatchNorm& unit) { return {unit->shape(), unit->tensors()}; }

at::Tensor run_unit(const UnitTensors& unit, const at::Tensor& input, const at::Tensor& residual,
                    const NormStatistics& statistics) {
  return conv_batch_norm(input, residual, unit.tensors, unit.shape, statistics);
}

// On a CPU as a convolution, which oneDNN computes: at::linear calls OpenBLAS, whose threads then
// spin on the cores that the next operator needs (supernet_benchmark: a step takes a tenth longer).
at::Tensor run_head(const NetworkTensors& network, const at::Tensor& features) {
  const auto as_pixels = [](const at::Tensor& rows) { return rows.unsqueeze(-1).unsqueeze(-1); };
  if (network.head == Head::kGrid) {
    return at::conv2d(features, as_pixels(network.head_weight), network.head_bias);
  }
  if (!features.device().is_cpu()) {
    return at::linear(features, network.head_weight, network.head_bias);
  }
  return at::conv2d(as_pixels(features), as_pixels(network.head_weight), network.head_bias)
      .flatten(1);
}

}  // namespace

NetworkLayers register_layers(torch::nn::Module& module, const Network& network) {
  NetworkLayers layers;
  layers.stem = module.register_module("stem", ConvBatchNorm(stem_shape(network)));
  auto blocks = module.register_module("blocks", std::make_shared<LayerGroup>());
  std::int64_t channels = network.stem_channels;
  for (const InvertedResidual& block : network.blocks) {
    auto group = blocks->register_module(std::to_string(layers.blocks.size()),
                                         std::make_shared<LayerGroup>());
    layers.blocks.push_back(make_block(*group, block, network));
    channels = block.out_channels;
  }
  if (network.feature_mix_channels) {
    layers.feature_mix = module.register_module(
        "feature_mix", ConvBatchNorm(point_shape(channels, *network.feature_mix_channels, network,
                                                 network.activation)));
    channels = *network.feature_mix_channels;
  }
  auto classifier =
      module.register_module("classifier", std::make_shared<Classifier>(channels, network.outputs));
  layers.head_weight = classifier->weight;
  layers.head_bias = classifier->bias;
  return layers;
}

std::vector<ConvBatchNorm> units_of(const NetworkLayers& layers) {
  std::vector<ConvBatchNorm> units = {layers.stem};
  for (const BlockLayers& block : layers.blocks) {
    if (!block.expand.is_empty()) units.push_back(block.expand);
    units.push_back(block.depthwise);
    units.push_back(block.project);
  }
  if (!layers.feature_mix.is_empty()) units.push_back(layers.feature_mix);
  return units;
}

NetworkTensors tensors_of(const NetworkLayers& layers, const Network& network) {
  NetworkTensors result{.head = network.head};
  result.stem = tensors_of(layers.stem);
  for (std::size_t i = 0; i < layers.blocks.size(); ++i) {
    const BlockLayers& block = layers.blocks[i];
    NetworkTensors::Block tensors{.depthwise = tensors_of(block.depthwise),
                                  .project = tensors_of(block.project),
                                  .has_residual = network.blocks[i].has_residual};
    if (!block.expand.is_empty()) tensors.expand = tensors_of(block.expand);
    result.blocks.push_back(std::move(tensors));
  }
  if (!layers.feature_mix.is_empty()) result.feature_mix = tensors_of(layers.feature_mix);
  result.head_weight = layers.head_weight;
  result.head_bias = layers.head_bias;
  return result;
}

at::Tensor run_network(const NetworkTensors& network, const at::Tensor& images,
                       const ForwardOptions& options, NormStatistics statistics, bool training) {
  if (!options.moves_statistics) statistics.momentum = 0;
  const at::ScalarType type = type_of(options.precision);
  const at::Tensor none;
  at::Tensor features = run_unit(network.stem, images.to(type), none, statistics);
  for (const NetworkTensors::Block& block : network.blocks) {
    at::Tensor hidden =
        block.expand ? run_unit(*block.expand, features, none, statistics) : features;
    hidden = run_unit(block.depthwise, hidden, none, statistics);
    features = run_unit(block.project, hidden, block.has_residual ? features : none, statistics);
  }
  if (network.feature_mix) features = run_unit(*network.feature_mix, features, none, statistics);
  features = features.to(at::kFloat);
  // A mean over thousands of pixels is no sum for 16-bit floats.
  if (network.head == Head::kPooled) features = features.mean({2, 3});
  if (training && options.dropout > 0) {
    const double kept = 1 - options.dropout;
    features = features * at::empty_like(features).bernoulli_(kept, options.generator) / kept;
  }
  return run_head(network, features);
}

}  // namespace mcunet::supernet
