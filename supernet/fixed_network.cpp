#include "mcunet/supernet/fixed_network.hpp"

namespace mcunet::supernet {

FixedNetworkImpl::FixedNetworkImpl(const search::space::Network& network,
                                   const std::optional<WeightInit>& init)
    : network_(network), layers_(register_layers(*this, network)) {
  if (init) initialize_weights(layers_, network_, *init);
}

at::Tensor FixedNetworkImpl::forward(const at::Tensor& images, const ForwardOptions& options) {
  return forward(images, options, {.from_batch = is_training()});
}

at::Tensor FixedNetworkImpl::forward(const at::Tensor& images, const ForwardOptions& options,
                                     const NormStatistics& statistics) {
  return run_network(tensors_of(layers_, network_), images, options, statistics, is_training());
}

}  // namespace mcunet::supernet
