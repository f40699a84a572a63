#include "mcunet/search/space/find_subnet.hpp"

#include <algorithm>

#include "mcunet/search/space/genes.hpp"

namespace mcunet::search::space {
namespace {

template <typename T>
bool has(const std::vector<T>& choices, const T& value) {
  return std::find(choices.begin(), choices.end(), value) != choices.end();
}

bool equal(const InvertedResidual& a, const InvertedResidual& b) {
  return a.in_channels == b.in_channels && a.mid_channels == b.mid_channels &&
         a.out_channels == b.out_channels && a.kernel == b.kernel && a.stride == b.stride &&
         a.has_residual == b.has_residual;
}

bool equal(const Network& a, const Network& b) {
  return a.form == b.form && a.image_channels == b.image_channels &&
         a.stem_channels == b.stem_channels && a.stem_kernel == b.stem_kernel &&
         a.stem_stride == b.stem_stride && a.head == b.head && a.outputs == b.outputs &&
         a.feature_mix_channels == b.feature_mix_channels &&
         std::equal(a.blocks.begin(), a.blocks.end(), b.blocks.begin(), b.blocks.end(),
                    [](const auto& x, const auto& y) { return equal(x, y); });
}

// Calls visit with every list of one depth per stage that adds up to `blocks`, until it returns
// true.
bool visit_depths(const SearchSpace& space, int blocks, std::vector<std::int32_t>& depths,
                  const auto& visit) {
  if (depths.size() == space.stages.size()) return blocks == 0 && visit(depths);
  for (const int depth : space.stages[depths.size()].depths) {
    if (depth > blocks) continue;
    depths.push_back(depth);
    if (visit_depths(space, blocks - depth, depths, visit)) return true;
    depths.pop_back();
  }
  return false;
}

// Of a network that does not state them, the most that the stage offers.
int bits_of(const InvertedResidual& block, const Stage& stage) {
  if (stage.weight_bits.empty()) return 0;
  return block.weight_bits != 0
             ? block.weight_bits
             : *std::max_element(stage.weight_bits.begin(), stage.weight_bits.end());
}

// With the kernels, expansions and bits of the network's blocks; absent if the stages do not offer
// them.
std::optional<Subnet> compose(const SearchSpace& space, const Network& network, double width,
                              const std::vector<std::int32_t>& depths) {
  Subnet subnet{.width = width, .resolution = network.resolution, .depths = depths};
  subnet.blocks.resize(static_cast<std::size_t>(space.max_blocks()));
  std::size_t next = 1;  // block 0 is not elastic
  bool are_offered = true;
  for_each_block(space, subnet, [&](const BlockPlace& place) {
    const InvertedResidual& block = network.blocks[next++];
    subnet.blocks[place.index] = {block.kernel, block.expand_ratio, bits_of(block, place.choices)};
    are_offered = are_offered && has(place.choices.kernels, block.kernel) &&
                  has(place.choices.expand_ratios, block.expand_ratio) &&
                  (place.choices.weight_bits.empty() || block.weight_bits == 0 ||
                   has(place.choices.weight_bits, block.weight_bits));
  });
  if (!are_offered) return std::nullopt;
  return canonical(space, std::move(subnet));
}

}  // namespace

std::optional<Subnet> find_subnet(const SearchSpace& space, const Network& network) {
  if (!has(space.resolutions, network.resolution)) return std::nullopt;
  std::optional<Subnet> found;
  const int elastic_blocks = static_cast<int>(network.blocks.size()) - 1;
  for (const double width : space.widths) {
    std::vector<std::int32_t> depths;
    const auto matches = [&](const std::vector<std::int32_t>& candidate) {
      found = compose(space, network, width, candidate);
      if (found && !equal(build_network(space, *found), network)) found.reset();
      return found.has_value();
    };
    if (visit_depths(space, elastic_blocks, depths, matches)) break;
  }
  return found;
}

}  // namespace mcunet::search::space
