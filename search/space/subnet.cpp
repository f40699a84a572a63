#include "mcunet/search/space/subnet.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

namespace mcunet::search::space {
namespace {

template <typename T>
const T& pick(const std::vector<T>& choices, RandomStream& random) {
  return choices[random.index(static_cast<std::uint32_t>(choices.size()))];
}

int draw_depth(const Stage& stage, Sampling sampling, RandomStream& random) {
  if (sampling == Sampling::kUniformGenes) return pick(stage.depths, random);
  // Networks of depth d in this stage are (kernels * expansions)^d.
  const auto per_block = static_cast<double>(stage.kernels.size() * stage.expand_ratios.size());
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
  return {stage.kernels.front(), stage.expand_ratios.front()};
}

// Calls visit(stage, index of its first block) for each stage.
template <typename Visitor>
void for_each_stage(const SearchSpace& space, Visitor visit) {
  int first_block = 0;
  for (std::size_t s = 0; s < space.stages.size(); ++s) {
    visit(s, first_block);
    first_block += space.stages[s].max_depth();
  }
}

Subnet pick_everywhere(const SearchSpace& space, auto choose) {
  Subnet subnet;
  subnet.width = choose(space.widths);
  subnet.resolution = choose(space.resolutions);
  for (const Stage& stage : space.stages) {
    const int depth = choose(stage.depths);
    subnet.depths.push_back(depth);
    for (int block = 0; block < stage.max_depth(); ++block) {
      subnet.blocks.push_back(block < depth
                                  ? BlockGenes{choose(stage.kernels), choose(stage.expand_ratios)}
                                  : first_choice(stage));
    }
  }
  return subnet;
}

}  // namespace

void sample(const SearchSpace& space, Sampling sampling, RandomStream& random, Subnet& subnet) {
  subnet.width = space.widths.size() > 1 ? pick(space.widths, random) : space.widths.front();
  subnet.resolution =
      space.resolutions.size() > 1 ? pick(space.resolutions, random) : space.resolutions.front();
  subnet.depths.clear();
  subnet.blocks.clear();
  for (const Stage& stage : space.stages) {
    const int depth = draw_depth(stage, sampling, random);
    subnet.depths.push_back(depth);
    for (int block = 0; block < depth; ++block) {
      const int kernel = pick(stage.kernels, random);
      subnet.blocks.push_back({kernel, pick(stage.expand_ratios, random)});
    }
    const auto inactive = static_cast<std::size_t>(stage.max_depth() - depth);
    subnet.blocks.insert(subnet.blocks.end(), inactive, first_choice(stage));
  }
}

Subnet sample(const SearchSpace& space, Sampling sampling, RandomStream& random) {
  Subnet subnet;
  sample(space, sampling, random, subnet);
  return subnet;
}

Subnet canonical(const SearchSpace& space, Subnet subnet) {
  for_each_stage(space, [&](std::size_t s, int first_block) {
    for (int block = subnet.depths[s]; block < space.stages[s].max_depth(); ++block) {
      subnet.blocks[first_block + block] = first_choice(space.stages[s]);
    }
  });
  return subnet;
}

std::vector<Subnet> neighbours(const SearchSpace& space, const Subnet& subnet) {
  const Subnet base = canonical(space, subnet);
  std::vector<Subnet> result;
  // One network for each other value of a gene; `gene_of` finds the gene in a copy.
  const auto vary = [&](const auto& choices, auto gene_of) {
    for (const auto& choice : choices) {
      Subnet neighbour = base;
      if (gene_of(neighbour) == choice) continue;
      gene_of(neighbour) = choice;
      result.push_back(canonical(space, std::move(neighbour)));
    }
  };
  vary(space.widths, [](Subnet& s) -> double& { return s.width; });
  vary(space.resolutions, [](Subnet& s) -> int& { return s.resolution; });
  for_each_stage(space, [&](std::size_t s, int first_block) {
    vary(space.stages[s].depths, [s](Subnet& n) -> std::int32_t& { return n.depths[s]; });
    for (int b = first_block; b < first_block + base.depths[s]; ++b) {
      vary(space.stages[s].kernels, [b](Subnet& n) -> std::int32_t& { return n.blocks[b].kernel; });
      vary(space.stages[s].expand_ratios,
           [b](Subnet& n) -> double& { return n.blocks[b].expand_ratio; });
    }
  });
  return result;
}

Subnet largest(const SearchSpace& space) {
  return pick_everywhere(
      space, [](const auto& choices) { return *std::max_element(choices.begin(), choices.end()); });
}

Subnet smallest(const SearchSpace& space) {
  return pick_everywhere(
      space, [](const auto& choices) { return *std::min_element(choices.begin(), choices.end()); });
}

SearchSpace space_of(const SearchSpace& space, const Subnet& subnet) {
  SearchSpace result = space.at(subnet.width, subnet.resolution);
  result.stages.clear();
  for_each_stage(space, [&](std::size_t s, int first_block) {
    for (int b = 0; b < subnet.depths[s]; ++b) {
      const BlockGenes& genes = subnet.blocks[first_block + b];
      result.stages.push_back({.channels = space.stages[s].channels,
                               .stride = b == 0 ? space.stages[s].stride : 1,
                               .depths = {1},
                               .kernels = {genes.kernel},
                               .expand_ratios = {genes.expand_ratio}});
    }
  });
  return result;
}

void build_network(const SearchSpace& space, const Subnet& subnet, Network& network) {
  const auto scaled = [&](int channels) {
    return make_divisible(channels * subnet.width, space.channel_divisor);
  };
  network.name = space.name;
  network.resolution = subnet.resolution;
  network.image_channels = space.image_channels;
  network.stem_channels = scaled(space.stem_channels);
  network.classes = space.classes;
  network.feature_mix_channels.reset();
  if (space.feature_mix_channels > 0)
    network.feature_mix_channels = scaled(space.feature_mix_channels);

  network.blocks.clear();
  int channels = scaled(space.first_block_channels);
  network.blocks.push_back({.in_channels = network.stem_channels,
                            .mid_channels = network.stem_channels,
                            .out_channels = channels});
  for_each_stage(space, [&](std::size_t s, int first_block) {
    const Stage& stage = space.stages[s];
    const int out_channels = scaled(stage.channels);
    for (int b = 0; b < subnet.depths[s]; ++b) {
      const BlockGenes& genes = subnet.blocks[first_block + b];
      InvertedResidual block{.in_channels = channels,
                             .out_channels = out_channels,
                             .kernel = genes.kernel,
                             .stride = b == 0 ? stage.stride : 1,
                             .expand_ratio = genes.expand_ratio};
      block.mid_channels =
          genes.expand_ratio == 1
              ? channels
              : make_divisible(std::round(channels * genes.expand_ratio), space.channel_divisor);
      block.has_residual = block.stride == 1 && channels == out_channels;
      network.blocks.push_back(block);
      channels = out_channels;
    }
  });
}

Network build_network(const SearchSpace& space, const Subnet& subnet) {
  Network network;
  build_network(space, subnet, network);
  return network;
}

}  // namespace mcunet::search::space
