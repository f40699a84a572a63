#include "mcunet/supernet/supernet.hpp"

#include <algorithm>

#include "mcunet/core/error.hpp"
#include "mcunet/search/space/genes.hpp"

namespace mcunet::supernet {
namespace {

using search::space::BlockPlace;
using search::space::InvertedResidual;
using search::space::Network;
using search::space::SearchSpace;
using search::space::Subnet;

void require_one_width(const SearchSpace& space) {
  if (space.widths.size() == 1) return;
  throw Error("search space {}: a supernet needs one width multiplier, the space has {}",
              space.name, space.widths.size());
}

// The layers' index of each active block: the first block, then the first blocks of each stage.
std::vector<std::size_t> active_blocks(const SearchSpace& space, const Subnet& subnet) {
  std::vector<std::size_t> indices = {0};
  for_each_block(space, subnet,
                 [&](const BlockPlace& place) { indices.push_back(1 + place.index); });
  return indices;
}

at::Tensor leading(const at::Tensor& tensor, std::int64_t dim, std::int64_t size) {
  return tensor.size(dim) == size ? tensor : tensor.narrow(dim, 0, size);
}

// Of `kernel` columns, and rows where the weight has several.
at::Tensor centre_window(const at::Tensor& weight, std::int64_t kernel) {
  const std::int64_t offset = (weight.size(3) - kernel) / 2;
  if (offset == 0) return weight;
  const at::Tensor columns = weight.narrow(3, offset, kernel);
  return weight.size(2) == 1 ? columns : columns.narrow(2, offset, kernel);
}

// The unit with a weight of its first `out` channels.
UnitTensors leading_unit(const ConvBatchNorm& unit, std::int64_t out) {
  UnitTensors slice{unit->shape(), {}};
  slice.shape.out_channels = out;
  slice.tensors = {leading(unit->weight, 0, out), leading(unit->bn_weight, 0, out),
                   leading(unit->bn_bias, 0, out), leading(unit->running_mean, 0, out),
                   leading(unit->running_var, 0, out)};
  return slice;
}

void copy_unit(const UnitTensors& source, const ConvBatchNorm& target) {
  target->weight.copy_(source.tensors.weight);
  target->bn_weight.copy_(source.tensors.bn_weight);
  target->bn_bias.copy_(source.tensors.bn_bias);
  target->running_mean.copy_(source.tensors.running_mean);
  target->running_var.copy_(source.tensors.running_var);
}

}  // namespace

SupernetImpl::SupernetImpl(const SearchSpace& space, const SupernetOptions& options)
    : space_(space) {
  require_one_width(space_);
  largest_ = build_network(space_, search::space::largest(space_));
  layers_ = register_layers(*this, largest_);
  initialize_weights(layers_, largest_, options.init);
  transforms_.resize(layers_.blocks.size());
  if (options.learned_kernel_transforms) register_transforms();
  for (const auto& [name, tensor] : options.more_parameters) {
    register_parameter(name, tensor.clone());
  }
}

// Matrices that begin as the identity, so that a smaller kernel begins as the centre window.
void SupernetImpl::register_transforms() {
  for_each_block(space_, [&](const BlockPlace& place) {
    const std::size_t block = 1 + place.index;
    std::vector<int> kernels = place.choices.kernels;
    std::sort(kernels.rbegin(), kernels.rend());
    for (std::size_t k = 1; k < kernels.size(); ++k) {
      const int from = kernels[k - 1];
      const int to = kernels[k];
      const at::Tensor matrix = layers_.blocks[block].depthwise->register_parameter(
          fmt::format("transform_{}to{}", from, to),
          at::eye(std::int64_t{rows_of(space_.form, to)} * to));
      transforms_[block].push_back({from, to, matrix});
    }
  });
}

at::Tensor SupernetImpl::kernel_window(std::size_t block, std::int64_t kernel,
                                       std::int64_t channels) const {
  at::Tensor weight = leading(layers_.blocks[block].depthwise->weight, 0, channels);
  for (const KernelTransform& transform : transforms_[block]) {
    if (weight.size(3) == kernel) break;
    const at::Tensor window = centre_window(weight, transform.to);
    weight = at::matmul(window.reshape({channels, -1}), transform.matrix.t()).view_as(window);
  }
  return centre_window(weight, kernel);
}

NetworkTensors SupernetImpl::slice(const Subnet& subnet) const {
  require_member(space_, subnet, "sub-network");
  const Network network = build_network(space_, subnet);
  NetworkTensors result = tensors_of(layers_, largest_);
  const std::vector<std::size_t> indices = active_blocks(space_, subnet);
  result.blocks.clear();
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const InvertedResidual& block = network.blocks[i];
    const BlockLayers& layers = layers_.blocks[indices[i]];
    NetworkTensors::Block slices;
    if (block.expand_ratio != 1) slices.expand = leading_unit(layers.expand, block.mid_channels);
    slices.depthwise = leading_unit(layers.depthwise, block.mid_channels);
    slices.depthwise.shape.in_channels = block.mid_channels;
    slices.depthwise.shape.kernel = block.kernel;
    slices.depthwise.tensors.weight = kernel_window(indices[i], block.kernel, block.mid_channels);
    slices.project = {layers.project->shape(), layers.project->tensors()};
    slices.project.shape.in_channels = block.mid_channels;
    slices.project.tensors.weight = leading(layers.project->weight, 1, block.mid_channels);
    slices.has_residual = block.has_residual;
    result.blocks.push_back(std::move(slices));
  }
  return result;
}

at::Tensor SupernetImpl::forward(const at::Tensor& images, const Subnet& subnet,
                                 const ForwardOptions& options) {
  const int rows = rows_of(space_.form, subnet.resolution);
  if (images.dim() != 4 || images.size(1) != space_.image_channels || images.size(2) != rows ||
      images.size(3) != subnet.resolution) {
    throw Error("sub-network: takes inputs [n, {}, {}, {}], got [{}]", space_.image_channels, rows,
                subnet.resolution, fmt::join(images.sizes(), ", "));
  }
  return run_network(slice(subnet), images, options, {.from_batch = is_training()}, is_training());
}

std::vector<TensorPermutation> SupernetImpl::sort_channels() {
  const at::NoGradGuard no_grad;
  std::vector<TensorPermutation> permutations;
  for (std::size_t i = 1; i < layers_.blocks.size(); ++i) {
    const BlockLayers& block = layers_.blocks[i];
    if (block.expand.is_empty()) continue;
    const at::Tensor importance = block.project->weight.abs().sum({0, 2, 3});
    const at::Tensor order = at::argsort(importance, /*stable=*/true, /*dim=*/0,
                                         /*descending=*/true);
    const auto permute = [&](const std::string& name, at::Tensor tensor, std::int64_t dim) {
      tensor.copy_(tensor.index_select(dim, order));
      permutations.push_back({name, dim, order});
    };
    for (const auto& [part, unit] :
         {std::pair{"expand", block.expand}, {"depthwise", block.depthwise}}) {
      const std::string prefix = fmt::format("blocks.{}.{}.", i, part);
      permute(prefix + "weight", unit->weight, 0);
      permute(prefix + "bn_weight", unit->bn_weight, 0);
      permute(prefix + "bn_bias", unit->bn_bias, 0);
      permute(prefix + "running_mean", unit->running_mean, 0);
      permute(prefix + "running_var", unit->running_var, 0);
    }
    permute(fmt::format("blocks.{}.project.weight", i), block.project->weight, 1);
  }
  return permutations;
}

FixedNetwork SupernetImpl::extract(const Subnet& subnet) const {
  const at::NoGradGuard no_grad;
  const NetworkTensors slices = slice(subnet);
  FixedNetwork network(build_network(space_, subnet), std::nullopt);
  network->to(layers_.stem->weight.device());
  network->train(is_training());
  copy_unit(slices.stem, network->layers().stem);
  for (std::size_t i = 0; i < slices.blocks.size(); ++i) {
    const BlockLayers& layers = network->layers().blocks[i];
    if (slices.blocks[i].expand) copy_unit(*slices.blocks[i].expand, layers.expand);
    copy_unit(slices.blocks[i].depthwise, layers.depthwise);
    copy_unit(slices.blocks[i].project, layers.project);
  }
  if (slices.feature_mix) copy_unit(*slices.feature_mix, network->layers().feature_mix);
  network->layers().head_weight.copy_(slices.head_weight);
  network->layers().head_bias.copy_(slices.head_bias);
  return network;
}

}  // namespace mcunet::supernet
