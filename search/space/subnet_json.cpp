#include "mcunet/search/space/subnet_json.hpp"

#include <fmt/ranges.h>

#include <algorithm>

#include "mcunet/core/config.hpp"
#include "mcunet/core/error.hpp"

namespace mcunet::search::space {
namespace {

struct StageGenes {
  std::vector<BlockGenes> blocks;
};

struct SubnetFile {
  double width = 1;
  int resolution = 224;
  std::vector<StageGenes> stages;
};

std::vector<Field> fields_of(BlockGenes& block) {
  return {required(field("kernel", block.kernel)),
          required(field("expand_ratio", block.expand_ratio))};
}

std::vector<Field> fields_of(StageGenes& stage) {
  return {required(section_list<BlockGenes>("blocks", stage.blocks, fields_of))};
}

std::vector<Field> fields_of(SubnetFile& file) {
  return {required(field("width", file.width)), required(field("resolution", file.resolution)),
          required(section_list<StageGenes>("stages", file.stages, fields_of))};
}

template <typename T>
void require_choice(const std::vector<T>& choices, const T& value, const std::string& where) {
  if (std::find(choices.begin(), choices.end(), value) == choices.end()) {
    throw Error("{}: must be one of {}, is {}", where, fmt::join(choices, ", "), value);
  }
}

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
  return a.image_channels == b.image_channels && a.stem_channels == b.stem_channels &&
         a.stem_kernel == b.stem_kernel && a.stem_stride == b.stem_stride &&
         a.classes == b.classes && a.feature_mix_channels == b.feature_mix_channels &&
         std::equal(a.blocks.begin(), a.blocks.end(), b.blocks.begin(), b.blocks.end(),
                    [](const auto& x, const auto& y) { return equal(x, y); });
}

// Calls visit with every list of one depth per stage that adds up to `blocks`, until it returns true.
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

// With the kernels and expansions of the network's blocks; absent if the stages do not offer them.
std::optional<Subnet> compose(const SearchSpace& space, const Network& network, double width,
                              const std::vector<std::int32_t>& depths) {
  Subnet subnet{.width = width, .resolution = network.resolution, .depths = depths};
  std::size_t next = 1;  // block 0 is not elastic
  for (std::size_t s = 0; s < space.stages.size(); ++s) {
    const Stage& stage = space.stages[s];
    for (int b = 0; b < stage.max_depth(); ++b) {
      BlockGenes genes;
      if (b < depths[s]) {
        const InvertedResidual& block = network.blocks[next++];
        genes = {block.kernel, block.expand_ratio};
        if (!has(stage.kernels, genes.kernel) || !has(stage.expand_ratios, genes.expand_ratio)) {
          return std::nullopt;
        }
      }
      subnet.blocks.push_back(genes);
    }
  }
  return canonical(space, std::move(subnet));
}

}  // namespace

std::string subnet_to_json(const SearchSpace& space, const Subnet& subnet) {
  SubnetFile file{.width = subnet.width, .resolution = subnet.resolution};
  int first = 0;
  for (std::size_t s = 0; s < space.stages.size(); ++s) {
    const auto begin = subnet.blocks.begin() + first;
    file.stages.push_back({{begin, begin + subnet.depths[s]}});
    first += space.stages[s].max_depth();
  }
  return to_json_text(write_fields(fields_of(file)));
}

Subnet subnet_from_json(const SearchSpace& space, const std::string& text,
                        const std::string& source) {
  const ConfigNode node = parse_config(text, source);
  if (node.find("first_conv") != nullptr) {
    const std::optional<Subnet> found = find_subnet(space, network_from_json(text, source));
    if (!found) throw Error("{}: the space {} has no such network", source, space.name);
    return *found;
  }
  SubnetFile file;
  read_fields(node, fields_of(file));
  require_choice(space.widths, file.width, source + ": width");
  require_choice(space.resolutions, file.resolution, source + ": resolution");
  if (file.stages.size() != space.stages.size()) {
    throw Error("{}: stages: must be {}, are {}", source, space.stages.size(), file.stages.size());
  }
  Subnet subnet{.width = file.width, .resolution = file.resolution};
  for (std::size_t s = 0; s < space.stages.size(); ++s) {
    const Stage& stage = space.stages[s];
    std::vector<BlockGenes>& blocks = file.stages[s].blocks;
    const std::string where = fmt::format("{}: stages[{}].blocks", source, s);
    require_choice(stage.depths, static_cast<int>(blocks.size()), where + ": their number");
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      require_choice(stage.kernels, blocks[b].kernel, fmt::format("{}[{}].kernel", where, b));
      require_choice(stage.expand_ratios, blocks[b].expand_ratio,
                     fmt::format("{}[{}].expand_ratio", where, b));
    }
    subnet.depths.push_back(static_cast<std::int32_t>(blocks.size()));
    blocks.resize(static_cast<std::size_t>(stage.max_depth()));
    subnet.blocks.insert(subnet.blocks.end(), blocks.begin(), blocks.end());
  }
  return canonical(space, std::move(subnet));
}

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
