#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include "mcunet/search/space/subnet.hpp"
#include "mcunet/supernet/fixed_network.hpp"

namespace mcunet::supernet {

struct SupernetOptions {
  bool learned_kernel_transforms = false;  // Once-for-all's; otherwise the centre window alone
};

// All networks of a search space in one set of weights (paper, Appendix D): the kernel of a block is
// the centre window of its largest, the expansion the first channels, the depth the first blocks of a
// stage. Sub-networks run on slices, without copies of the whole.
class SupernetImpl : public torch::nn::Module {
 public:
  // The space must have one width.
  SupernetImpl(const search::space::SearchSpace& space, const SupernetOptions& options = {});

  // images [n, channels, height, width] -> logits [n, classes], of one sub-network.
  at::Tensor forward(const at::Tensor& images, const search::space::Subnet& subnet);

  // Orders the middle channels of every elastic block by importance, largest first (the L1 norm of
  // the projection's weights that read them); the function of the largest network is unchanged.
  void sort_channels();

  // A copy of one sub-network as a network of its own, with the supernet's batch-norm statistics of
  // the slices in use.
  FixedNetwork extract(const search::space::Subnet& subnet) const;

  const search::space::SearchSpace& space() const { return space_; }

 private:
  search::space::SearchSpace space_;
};
TORCH_MODULE(Supernet);

}  // namespace mcunet::supernet
