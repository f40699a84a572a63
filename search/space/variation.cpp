#include "mcunet/search/space/variation.hpp"

#include <algorithm>

#include "mcunet/search/space/genes.hpp"

namespace mcunet::search::space {
namespace {

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
  if (space.widths.size() > 1 && happens()) child.width = random.pick(space.widths);
  if (space.resolutions.size() > 1 && happens()) child.resolution = random.pick(space.resolutions);
  const auto mutate_depth = [&](const Stage& stage, std::size_t s) {
    if (happens()) child.depths[s] = random.pick(stage.depths);
  };
  walk(space, mutate_depth, [&](const BlockPlace& block) {
    if (!block.is_in(child)) return;
    if (happens() || !block.is_in(parent)) {
      child.blocks[block.index] = sample_block(block.choices, random);
    }
  });
  return canonical(space, std::move(child));
}

Subnet cross(const SearchSpace& space, const Subnet& first, const Subnet& second,
             RandomStream& random) {
  Subnet child = first;
  for_each_gene(space, child, [&](const auto& gene, const auto& /*choices*/) {
    if (gene.is_in(second) && (!gene.is_in(first) || flip(random))) {
      gene.of(child) = gene.of(second);
    }
  });
  return canonical(space, std::move(child));
}

bool shrink(const SearchSpace& space, Subnet& subnet, RandomStream& random) {
  std::uint32_t shrinkable = 0;
  for_each_gene(space, subnet, [&](const auto& gene, const auto& choices) {
    if (gene.of(subnet) != least(choices)) ++shrinkable;
  });
  if (shrinkable == 0) return false;
  std::int64_t passed_by = random.index(shrinkable);
  for_each_gene(space, subnet, [&](const auto& gene, const auto& choices) {
    if (gene.of(subnet) != least(choices) && passed_by-- == 0) gene.of(subnet) = least(choices);
  });
  subnet = canonical(space, std::move(subnet));
  return true;
}

}  // namespace mcunet::search::space
