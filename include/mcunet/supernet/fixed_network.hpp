#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <optional>
#include <vector>

#include "mcunet/search/space/network.hpp"
#include "mcunet/supernet/network_layers.hpp"

namespace mcunet::supernet {

// One network with its own weights: what a sub-network becomes when it leaves the supernet, to be
// fine-tuned and quantized. Tensors NCHW, best in the channels-last memory format. Parameters and
// buffers are named as register_layers says.
class FixedNetworkImpl : public torch::nn::Module {
 public:
  // With no weights to begin with, they are to be copied.
  explicit FixedNetworkImpl(const search::space::Network& network,
                            const std::optional<WeightInit>& init = WeightInit());

  // images [n, channels, height, width] of any size -> logits [n, classes], 32-bit floats. On the
  // device of the weights.
  at::Tensor forward(const at::Tensor& images, const ForwardOptions& options = {});

  // The same with the batch-norm statistics chosen, whether training or not.
  at::Tensor forward(const at::Tensor& images, const ForwardOptions& options,
                     const NormStatistics& statistics);

  std::vector<ConvBatchNorm> units() const { return units_of(layers_); }

  const NetworkLayers& layers() const { return layers_; }

  const search::space::Network& description() const { return network_; }

 private:
  search::space::Network network_;
  NetworkLayers layers_;
};
TORCH_MODULE(FixedNetwork);

}  // namespace mcunet::supernet
