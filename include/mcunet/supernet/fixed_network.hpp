#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "mcunet/search/space/network.hpp"

namespace mcunet::supernet {

// One network with its own weights: what a sub-network becomes when it leaves the supernet, to be
// fine-tuned and quantized. Tensors NCHW, best in the channels-last memory format.
class FixedNetworkImpl : public torch::nn::Module {
 public:
  explicit FixedNetworkImpl(const search::space::Network& network);

  // images [n, channels, height, width] -> logits [n, classes].
  at::Tensor forward(const at::Tensor& images);

  const search::space::Network& description() const { return network_; }

 private:
  search::space::Network network_;
};
TORCH_MODULE(FixedNetwork);

}  // namespace mcunet::supernet
