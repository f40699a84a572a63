#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "mcunet/search/space/subnet.hpp"

// The walks over what sub-networks are made of, always in the order width, resolution, then for
// each stage its depth, and the kernel, the expansion and, where it is elastic, the width of the weights
// of its blocks. What goes through stages, blocks or genes does so here; the visitors are inlined.
namespace mcunet::search::space {

struct BlockPlace {
  const Stage& choices;
  std::size_t stage;      // in Subnet::depths
  std::int32_t position;  // in its stage
  std::size_t index;      // in Subnet::blocks

  bool is_in(const Subnet& subnet) const { return position < subnet.depths[stage]; }
};

// Calls enter_stage(stage, its index), then visit_block(place) for each block that the stage has
// room for. A sub-network that gets its depth at the one call tells its blocks at the others.
template <typename EnterStage, typename VisitBlock>
void walk(const SearchSpace& space, const EnterStage& enter_stage, const VisitBlock& visit_block) {
  std::size_t index = 0;
  for (std::size_t s = 0; s < space.stages.size(); ++s) {
    const Stage& stage = space.stages[s];
    enter_stage(stage, s);
    const std::int32_t room = stage.max_depth();
    for (std::int32_t b = 0; b < room; ++b, ++index) visit_block(BlockPlace{stage, s, b, index});
  }
}

// Calls visit(place) for each block that the space has room for.
template <typename Visit>
void for_each_block(const SearchSpace& space, const Visit& visit) {
  walk(
      space, [](const Stage&, std::size_t) {}, visit);
}

// Calls visit(place) for each block that is active.
template <typename Visit>
void for_each_block(const SearchSpace& space, const Subnet& subnet, const Visit& visit) {
  for_each_block(space, [&](const BlockPlace& block) {
    if (block.is_in(subnet)) visit(block);
  });
}

// "kernels[2][0]": a key of the JSON form, with the stage and the block if they are not -1.
std::string name_of_gene(const char* key, int stage, int position);

template <typename Access>
struct Gene {
  Access of;  // of(subnet) is its value in a sub-network, to read or to set
  const char* key;
  int stage = -1;     // of a depth or a block's gene
  int position = -1;  // of a block's gene

  bool is_in(const Subnet& subnet) const {
    return position < 0 || position < subnet.depths[static_cast<std::size_t>(stage)];
  }
  std::string name() const { return name_of_gene(key, stage, position); }
};

template <typename Access>
Gene(Access, const char*, int = -1, int = -1) -> Gene<Access>;

// Calls visit(gene, its choices) for each gene that the space has room for.
template <typename Visit>
void for_each_gene(const SearchSpace& space, const Visit& visit) {
  const auto width = [](auto& subnet) -> decltype(auto) { return (subnet.width); };
  const auto resolution = [](auto& subnet) -> decltype(auto) { return (subnet.resolution); };
  visit(Gene{width, "width"}, space.widths);
  visit(Gene{resolution, "resolution"}, space.resolutions);
  const auto visit_depth = [&](const Stage& stage, std::size_t s) {
    const auto depth = [s](auto& subnet) -> decltype(auto) { return (subnet.depths[s]); };
    visit(Gene{depth, "depths", static_cast<int>(s)}, stage.depths);
  };
  walk(space, visit_depth, [&](const BlockPlace& block) {
    const std::size_t b = block.index;
    const int stage = static_cast<int>(block.stage);
    const auto kernel = [b](auto& subnet) -> decltype(auto) { return (subnet.blocks[b].kernel); };
    const auto expand = [b](auto& subnet) -> decltype(auto) {
      return (subnet.blocks[b].expand_ratio);
    };
    visit(Gene{kernel, "kernels", stage, block.position}, block.choices.kernels);
    visit(Gene{expand, "expand_ratios", stage, block.position}, block.choices.expand_ratios);
    if (block.choices.weight_bits.empty()) return;
    const auto bits = [b](auto& subnet) -> decltype(auto) {
      return (subnet.blocks[b].weight_bits);
    };
    visit(Gene{bits, "weight_bits", stage, block.position}, block.choices.weight_bits);
  });
}

// Calls visit(gene, its choices) for each gene that is active when the walk comes to it: if the
// visit sets a depth, its blocks follow that.
template <typename Visit>
void for_each_gene(const SearchSpace& space, const Subnet& subnet, const Visit& visit) {
  for_each_gene(space, [&](const auto& gene, const auto& choices) {
    if (gene.is_in(subnet)) visit(gene, choices);
  });
}

}  // namespace mcunet::search::space
