#include "mcunet/search/space/subnet.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "mcunet/core/error.hpp"
#include "mcunet/search/space/genes.hpp"

namespace mcunet::search::space {
namespace {

template <typename T>
void require_choice(const std::vector<T>& choices, const T& value, const std::string& source,
                    const auto& gene) {
  if (std::find(choices.begin(), choices.end(), value) != choices.end()) return;
  throw Error("{}: {}: must be one of {}, is {}", source, gene.name(), fmt::join(choices, ", "),
              value);
}

int draw_depth(const Stage& stage, Sampling sampling, RandomStream& random) {
  if (sampling == Sampling::kUniformGenes) return random.pick(stage.depths);
  // Networks of depth d in this stage are (choices of a block)^d.
  const auto per_block = static_cast<double>(stage.block_choices());
  double total = 0;
  for (int depth : stage.depths) total += std::pow(per_block, depth);
  double left = random.uniform() * total;
  for (int depth : stage.depths) {
    left -= std::pow(per_block, depth);
    if (left < 0) return depth;
  }
  return stage.depths.back();
}

BlockGenes first_choice(const Stage& stage) {
  return {stage.kernels.front(), stage.expand_ratios.front(),
          stage.weight_bits.empty() ? 0 : stage.weight_bits.front()};
}

Subnet choose_everywhere(const SearchSpace& space, auto choose) {
  Subnet subnet;
  subnet.depths.resize(space.stages.size());
  subnet.blocks.resize(static_cast<std::size_t>(space.max_blocks()));
  for_each_gene(space, subnet, [&](const auto& gene, const auto& choices) {
    gene.of(subnet) = *choose(choices.begin(), choices.end());
  });
  return canonical(space, std::move(subnet));
}

}  // namespace

BlockGenes sample_block(const Stage& stage, RandomStream& random) {
  BlockGenes genes{.kernel = random.pick(stage.kernels)};
  genes.expand_ratio = random.pick(stage.expand_ratios);
  if (!stage.weight_bits.empty()) genes.weight_bits = random.pick(stage.weight_bits);
  return genes;
}

void sample(const SearchSpace& space, Sampling sampling, RandomStream& random, Subnet& subnet) {
  subnet.width = space.widths.size() > 1 ? random.pick(space.widths) : space.widths.front();
  subnet.resolution =
      space.resolutions.size() > 1 ? random.pick(space.resolutions) : space.resolutions.front();
  subnet.depths.clear();
  subnet.blocks.clear();
  const auto sample_depth = [&](const Stage& stage, std::size_t) {
    subnet.depths.push_back(draw_depth(stage, sampling, random));
  };
  walk(space, sample_depth, [&](const BlockPlace& block) {
    subnet.blocks.push_back(block.is_in(subnet) ? sample_block(block.choices, random)
                                                : first_choice(block.choices));
  });
}

Subnet sample(const SearchSpace& space, Sampling sampling, RandomStream& random) {
  Subnet subnet;
  sample(space, sampling, random, subnet);
  return subnet;
}

Subnet sample_containing(const SearchSpace& space, const Subnet& contained, RandomStream& random) {
  Subnet subnet = contained;
  for_each_gene(space, [&](const auto& gene, auto choices) {
    const auto is_smaller = [&](const auto& choice) { return choice < gene.of(contained); };
    if (gene.is_in(contained)) std::erase_if(choices, is_smaller);
    gene.of(subnet) = random.pick(choices);
  });
  return canonical(space, std::move(subnet));
}

Subnet canonical(const SearchSpace& space, Subnet subnet) {
  for_each_block(space, [&](const BlockPlace& block) {
    if (!block.is_in(subnet)) subnet.blocks[block.index] = first_choice(block.choices);
  });
  return subnet;
}

std::size_t SubnetHash::operator()(const Subnet& subnet) const {
  std::uint64_t hash = 0x9E3779B97F4A7C15;
  const auto add = [&](std::uint64_t value) {
    hash = (hash ^ value) * 0xBF58476D1CE4E5B9;
    hash ^= hash >> 29;
  };
  add(std::bit_cast<std::uint64_t>(subnet.width));
  add(static_cast<std::uint64_t>(subnet.resolution));
  for (std::int32_t depth : subnet.depths) add(static_cast<std::uint64_t>(depth));
  for (const BlockGenes& genes : subnet.blocks) {
    add(std::bit_cast<std::uint64_t>(genes.expand_ratio) +
        static_cast<std::uint64_t>(genes.kernel) +
        (static_cast<std::uint64_t>(genes.weight_bits) << 8U));
  }
  return static_cast<std::size_t>(hash);
}

std::string name_of_gene(const char* key, int stage, int position) {
  std::string name = key;
  if (stage >= 0) name += fmt::format("[{}]", stage);
  if (position >= 0) name += fmt::format("[{}]", position);
  return name;
}

void require_member(const SearchSpace& space, const Subnet& subnet, const std::string& source) {
  if (subnet.depths.size() != space.stages.size() ||
      subnet.blocks.size() != static_cast<std::size_t>(space.max_blocks())) {
    throw Error("{}: has {} stages and room for {} blocks, the space {} has {} and {}", source,
                subnet.depths.size(), subnet.blocks.size(), space.name, space.stages.size(),
                space.max_blocks());
  }
  for_each_gene(space, [&](const auto& gene, const auto& choices) {
    if (gene.is_in(subnet)) require_choice(choices, gene.of(subnet), source, gene);
  });
}

std::vector<Subnet> neighbours(const SearchSpace& space, const Subnet& subnet) {
  std::vector<Subnet> result;
  Subnet varied = canonical(space, subnet);
  for_each_gene(space, varied, [&](const auto& gene, const auto& choices) {
    const auto kept = gene.of(varied);
    for (const auto& choice : choices) {
      if (choice == kept) continue;
      gene.of(varied) = choice;
      result.push_back(canonical(space, varied));
    }
    gene.of(varied) = kept;
  });
  return result;
}

Subnet largest(const SearchSpace& space) {
  return choose_everywhere(space,
                           [](auto begin, auto end) { return std::max_element(begin, end); });
}

Subnet smallest(const SearchSpace& space) {
  return choose_everywhere(space,
                           [](auto begin, auto end) { return std::min_element(begin, end); });
}

SearchSpace space_of(const SearchSpace& space, const Subnet& subnet) {
  SearchSpace result = space.at(subnet.width, subnet.resolution);
  result.stages.clear();
  for_each_block(space, subnet, [&](const BlockPlace& block) {
    const BlockGenes& genes = subnet.blocks[block.index];
    result.stages.push_back({.channels = block.choices.channels,
                             .stride = block.position == 0 ? block.choices.stride : 1,
                             .depths = {1},
                             .kernels = {genes.kernel},
                             .expand_ratios = {genes.expand_ratio},
                             .shortcuts = block.choices.shortcuts});
    if (genes.weight_bits != 0) result.stages.back().weight_bits = {genes.weight_bits};
  });
  return result;
}

void build_network(const SearchSpace& space, const Subnet& subnet, Network& network) {
  const auto scaled = [&](int channels) {
    return make_divisible(channels * subnet.width, space.channel_divisor);
  };
  network.name = space.name;
  network.form = space.form;
  network.resolution = subnet.resolution;
  network.image_channels = space.image_channels;
  network.stem_channels = scaled(space.stem_channels);
  network.head = space.boxes_per_cell == 0 ? Head::kPooled : Head::kGrid;
  network.outputs = space.outputs();
  network.batch_norm_epsilon = space.batch_norm_epsilon;
  network.batch_norm_momentum = space.batch_norm_momentum;
  network.feature_mix_channels.reset();
  if (space.feature_mix_channels > 0)
    network.feature_mix_channels = scaled(space.feature_mix_channels);

  network.blocks.clear();
  int channels = scaled(space.first_block_channels);
  network.blocks.push_back({.in_channels = network.stem_channels,
                            .mid_channels = network.stem_channels,
                            .out_channels = channels});
  int out_channels = 0;
  const auto enter_stage = [&](const Stage& stage, std::size_t) {
    out_channels = scaled(stage.channels);
  };
  walk(space, enter_stage, [&](const BlockPlace& place) {
    if (!place.is_in(subnet)) return;
    const BlockGenes& genes = subnet.blocks[place.index];
    InvertedResidual block{.in_channels = channels,
                           .out_channels = out_channels,
                           .kernel = genes.kernel,
                           .stride = place.position == 0 ? place.choices.stride : 1,
                           .expand_ratio = genes.expand_ratio,
                           .weight_bits = genes.weight_bits};
    block.mid_channels =
        genes.expand_ratio == 1
            ? channels
            : make_divisible(std::round(channels * genes.expand_ratio), space.channel_divisor);
    block.has_residual = place.choices.shortcuts && block.stride == 1 && channels == out_channels;
    network.blocks.push_back(block);
    channels = out_channels;
  });
}

Network build_network(const SearchSpace& space, const Subnet& subnet) {
  Network network;
  build_network(space, subnet, network);
  return network;
}

}  // namespace mcunet::search::space
