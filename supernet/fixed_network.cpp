#include "mcunet/supernet/fixed_network.hpp"

namespace mcunet::supernet {

FixedNetworkImpl::FixedNetworkImpl(const search::space::Network& network, const WeightInit& init)
    : network_(network), layers_(register_layers(*this, network)) {
  initialize_weights(layers_, network_, init);
}

at::Tensor FixedNetworkImpl::forward(const at::Tensor& images, const ForwardOptions& options) {
  return forward(images, options, {.from_batch = is_training()});
}

at::Tensor FixedNetworkImpl::forward(const at::Tensor& images, const ForwardOptions& options,
                                     const NormStatistics& statistics) {
  return run_network(tensors_of(layers_, network_), images, options, statistics, is_training());
}

std::vector<ConvBatchNorm> FixedNetworkImpl::units() const {
  std::vector<ConvBatchNorm> units = {layers_.stem};
  for (const BlockLayers& block : layers_.blocks) {
    if (!block.expand.is_empty()) units.push_back(block.expand);
    units.push_back(block.depthwise);
    units.push_back(block.project);
  }
  if (!layers_.feature_mix.is_empty()) units.push_back(layers_.feature_mix);
  return units;
}

}  // namespace mcunet::supernet
