#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

#include <cstdint>
#include <string>
#include <vector>

#include "mcunet/search/space/subnet.hpp"
#include "mcunet/supernet/fixed_network.hpp"
#include "mcunet/supernet/tensor_file.hpp"

namespace mcunet::supernet {

struct SupernetOptions {
  bool learned_kernel_transforms = false;  // Once-for-all's; otherwise the centre window alone
  WeightInit init;
  // Parameters of a training beside those of the layers, by their names, and the values that they begin
  // with.
  TensorDictionary more_parameters = {};
};

// What sort_channels did to one parameter or buffer: tensor = tensor.index_select(dim, order). An
// optimizer's state of that parameter is to be reordered alike.
struct TensorPermutation {
  std::string name;  // as in named_parameters() and named_buffers()
  std::int64_t dim = 0;
  at::Tensor order;  // [channels], 64-bit integers
};

// All networks of a search space in one set of weights (paper, Appendix D): the kernel of a block
// is the centre window of its largest, the expansion the first channels, the depth the first blocks
// of a stage. Sub-networks run on slices, without copies of the whole. Parameters and buffers are
// named as register_layers says, for the network of all blocks at their largest; learned kernel
// transforms are blocks.I.depthwise.transform_7to5 and so on.
class SupernetImpl : public torch::nn::Module {
 public:
  // Throws Error unless the space has one width.
  SupernetImpl(const search::space::SearchSpace& space, const SupernetOptions& options = {});

  // images [n, channels, height, width] -> logits [n, classes], of one sub-network, in 32-bit
  // floats. The side of the images is the sub-network's resolution. Throws Error if the sub-network
  // is not in the space, or the images are not of its size.
  at::Tensor forward(const at::Tensor& images, const search::space::Subnet& subnet,
                     const ForwardOptions& options = {});

  // Orders the middle channels of every elastic block by importance, largest first (the L1 norm of
  // the projection's weights that read them); the function of the largest network is unchanged.
  std::vector<TensorPermutation> sort_channels();

  // A copy of one sub-network as a network of its own, with the supernet's batch-norm statistics of
  // the slices in use, on the same device and in the same mode. Its weights share no memory with
  // the supernet's.
  FixedNetwork extract(const search::space::Subnet& subnet) const;

  const search::space::SearchSpace& space() const { return space_; }

  // The network of all blocks at their largest.
  const search::space::Network& largest_network() const { return largest_; }
  const NetworkLayers& layers() const { return layers_; }

 private:
  // The learned transform from one kernel size to the next smaller one of a block.
  struct KernelTransform {
    std::int64_t from = 0;
    std::int64_t to = 0;
    at::Tensor matrix;  // [taps, taps] of the smaller one
  };

  void register_transforms();
  at::Tensor kernel_window(std::size_t block, std::int64_t kernel, std::int64_t channels) const;
  NetworkTensors slice(const search::space::Subnet& subnet) const;

  search::space::SearchSpace space_;
  search::space::Network largest_;
  NetworkLayers layers_;
  std::vector<std::vector<KernelTransform>> transforms_;  // per block, from large to small
};
TORCH_MODULE(Supernet);

}  // namespace mcunet::supernet
