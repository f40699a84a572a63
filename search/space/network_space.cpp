#include "mcunet/search/space/network_space.hpp"

#include <cmath>

#include "mcunet/core/error.hpp"

namespace mcunet::search::space {
namespace {

// What all networks of the mobile space have alike.
void require_mobile(const Network& network) {
  const auto require = [](bool holds, const std::string& message) {
    if (!holds) throw Error("{}", message);
  };
  require(network.stem_kernel == 3 && network.stem_stride == 2,
          "first_conv must be 3x3 of stride 2");
  require(network.activation == engine::Activation::kRelu6, "act_func must be relu6");
  require(!network.blocks.empty(), "must have blocks");
  const InvertedResidual& first = network.blocks.front();
  require(first.kernel == 3 && first.stride == 1 && first.expand_ratio == 1 && !first.has_residual,
          "the first block must be 3x3 of stride 1, without expansion and shortcut");
}

// By which the block comes to its middle channels: what it states, unless it states these otherwise.
double expand_ratio_of(const InvertedResidual& block) {
  const double stated = block.expand_ratio;
  if (std::lround(block.in_channels * stated) == block.mid_channels) return stated;
  return static_cast<double>(block.mid_channels) / block.in_channels;
}

bool may_have_residual(const InvertedResidual& block) {
  return block.stride == 1 && block.in_channels == block.out_channels;
}

Stage stage_of(const InvertedResidual& block) {
  Stage stage{.channels = block.out_channels,
              .stride = block.stride,
              .depths = {1},
              .kernels = {block.kernel},
              .expand_ratios = {expand_ratio_of(block)},
              .shortcuts = block.has_residual || !may_have_residual(block)};
  if (block.weight_bits != 0) stage.weight_bits = {block.weight_bits};
  return stage;
}

SearchSpace compose(const Network& network) {
  require_mobile(network);
  SearchSpace space{.name = network.name,
                    .form = network.form,
                    .resolutions = {network.resolution},
                    .image_channels = network.image_channels,
                    .stem_channels = network.stem_channels,
                    .first_block_channels = network.blocks.front().out_channels,
                    .feature_mix_channels = network.feature_mix_channels.value_or(0),
                    .classes = network.outputs,
                    .channel_divisor = 1,
                    .batch_norm_epsilon = network.batch_norm_epsilon,
                    .batch_norm_momentum = network.batch_norm_momentum};
  for (std::size_t i = 1; i < network.blocks.size(); ++i) {
    space.stages.push_back(stage_of(network.blocks[i]));
  }
  if (network.head == Head::kGrid) {
    space.boxes_per_cell = 1;
    space.classes -= space.outputs() - space.classes;  // without place, size and objectness
  }
  return space;
}

}  // namespace

bool is_network(const ConfigNode& node) { return node.find("first_conv") != nullptr; }

SearchSpace network_space(const Network& network, const std::string& source) {
  try {
    SearchSpace space = compose(network);
    // Within the limits of a description, which is how a run keeps it.
    return read_search_space(
        parse_config(to_json_text(write_fields(fields_of(space))), "as a description"));
  } catch (const Error& error) {
    throw Error("{}: is no network of a search space: {}", source, error.what());
  }
}

}  // namespace mcunet::search::space
