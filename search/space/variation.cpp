#include "mcunet/search/space/variation.hpp"

#include <algorithm>
#include <functional>

namespace mcunet::search::space {
namespace {

template <typename T>
const T& pick(const std::vector<T>& choices, RandomStream& random) {
  return choices[random.index(static_cast<std::uint32_t>(choices.size()))];
}

BlockGenes draw_block(const Stage& stage, RandomStream& random) {
  const int kernel = pick(stage.kernels, random);
  return {kernel, pick(stage.expand_ratios, random)};
}

bool flip(RandomStream& random) { return random.index(2) == 1; }

template <typename T>
const T& least(const std::vector<T>& choices) {
  return *std::min_element(choices.begin(), choices.end());
}

}  // namespace

Subnet mutate(const SearchSpace& space, const Subnet& parent, double probability,
              RandomStream& random) {
  const auto happens = [&] { return random.uniform() < probability; };
  Subnet child = parent;
  if (space.widths.size() > 1 && happens()) child.width = pick(space.widths, random);
  if (space.resolutions.size() > 1 && happens()) child.resolution = pick(space.resolutions, random);
  std::size_t first_block = 0;
  for (std::size_t s = 0; s < space.stages.size(); ++s) {
    const Stage& stage = space.stages[s];
    if (happens()) child.depths[s] = pick(stage.depths, random);
    for (int b = 0; b < child.depths[s]; ++b) {
      const bool is_new = b >= parent.depths[s];
      if (happens() || is_new) child.blocks[first_block + b] = draw_block(stage, random);
    }
    first_block += static_cast<std::size_t>(stage.max_depth());
  }
  return canonical(space, std::move(child));
}

Subnet cross(const SearchSpace& space, const Subnet& first, const Subnet& second,
             RandomStream& random) {
  Subnet child = first;
  if (flip(random)) child.width = second.width;
  if (flip(random)) child.resolution = second.resolution;
  std::size_t first_block = 0;
  for (std::size_t s = 0; s < space.stages.size(); ++s) {
    if (flip(random)) child.depths[s] = second.depths[s];
    for (int b = 0; b < child.depths[s]; ++b) {
      const std::size_t i = first_block + static_cast<std::size_t>(b);
      const bool is_in_first = b < first.depths[s];
      const bool is_in_second = b < second.depths[s];
      // Kernel and expansion are genes of their own.
      if (is_in_second && (!is_in_first || flip(random))) {
        child.blocks[i].kernel = second.blocks[i].kernel;
      }
      if (is_in_second && (!is_in_first || flip(random))) {
        child.blocks[i].expand_ratio = second.blocks[i].expand_ratio;
      }
    }
    first_block += static_cast<std::size_t>(space.stages[s].max_depth());
  }
  return canonical(space, std::move(child));
}

bool shrink(const SearchSpace& space, Subnet& subnet, RandomStream& random) {
  std::vector<std::function<void()>> moves;
  const auto offer = [&](auto& gene, const auto& choices) {
    if (gene != least(choices)) moves.emplace_back([&] { gene = least(choices); });
  };
  offer(subnet.width, space.widths);
  offer(subnet.resolution, space.resolutions);
  std::size_t first_block = 0;
  for (std::size_t s = 0; s < space.stages.size(); ++s) {
    const Stage& stage = space.stages[s];
    offer(subnet.depths[s], stage.depths);
    for (int b = 0; b < subnet.depths[s]; ++b) {
      BlockGenes& genes = subnet.blocks[first_block + static_cast<std::size_t>(b)];
      offer(genes.kernel, stage.kernels);
      offer(genes.expand_ratio, stage.expand_ratios);
    }
    first_block += static_cast<std::size_t>(stage.max_depth());
  }
  if (moves.empty()) return false;
  moves[random.index(static_cast<std::uint32_t>(moves.size()))]();
  subnet = canonical(space, std::move(subnet));
  return true;
}

}  // namespace mcunet::search::space
