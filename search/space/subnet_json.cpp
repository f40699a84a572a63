#include "mcunet/search/space/subnet_json.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>

#include "mcunet/core/error.hpp"
#include "mcunet/core/json_text.hpp"
#include "mcunet/search/space/find_subnet.hpp"

namespace mcunet::search::space {
namespace {

using Json = nlohmann::ordered_json;

template <typename T>
void require_choice(const std::vector<T>& choices, const T& value, const std::string& source,
                    const std::string& gene) {
  if (std::find(choices.begin(), choices.end(), value) != choices.end()) return;
  throw Error("{}: {}: must be one of {}, is {}", source, gene, fmt::join(choices, ", "), value);
}

// Calls visit(stage, index of its first block) for each stage.
template <typename Visitor>
void for_each_stage(const SearchSpace& space, Visitor visit) {
  std::size_t first_block = 0;
  for (std::size_t s = 0; s < space.stages.size(); ++s) {
    visit(s, first_block);
    first_block += static_cast<std::size_t>(space.stages[s].max_depth());
  }
}

// The blocks that a stage has no room for would be lost without a word.
void require_size(const Json& list, std::size_t size, const std::string& key) {
  if (!list.is_array() || list.size() != size) {
    throw Error("{}: must be a list of {} values, is {}", key, size, list.dump());
  }
}

Subnet read_subnet(const SearchSpace& space, const Json& json) {
  Subnet subnet = smallest(space);
  json.at("width").get_to(subnet.width);
  json.at("resolution").get_to(subnet.resolution);
  for (const char* key : {"depths", "kernels", "expand_ratios"}) {
    require_size(json.at(key), space.stages.size(), key);
  }
  for_each_stage(space, [&](std::size_t s, std::size_t first_block) {
    json.at("depths")[s].get_to(subnet.depths[s]);
    const auto depth = static_cast<std::size_t>(std::max(subnet.depths[s], 0));
    if (subnet.depths[s] < 0 || subnet.depths[s] > space.stages[s].max_depth()) {
      throw Error("depths[{}]: must be at most {}, is {}", s, space.stages[s].max_depth(),
                  subnet.depths[s]);
    }
    require_size(json.at("kernels")[s], depth, fmt::format("kernels[{}]", s));
    require_size(json.at("expand_ratios")[s], depth, fmt::format("expand_ratios[{}]", s));
    for (std::size_t b = 0; b < depth; ++b) {
      json.at("kernels")[s][b].get_to(subnet.blocks[first_block + b].kernel);
      json.at("expand_ratios")[s][b].get_to(subnet.blocks[first_block + b].expand_ratio);
    }
  });
  return subnet;
}

// The network JSON of the published models.
bool is_network(const Json& json) { return json.is_object() && json.contains("first_conv"); }

Subnet read_network(const SearchSpace& space, std::string_view text, const std::string& source) {
  const std::optional<Subnet> found = find_subnet(space, network_from_json(text, source));
  if (!found) throw Error("{}: the space {} has no such network", source, space.name);
  return *found;
}

}  // namespace

std::string subnet_to_json(const SearchSpace& space, const Subnet& subnet) {
  Json json = {{"width", subnet.width},
               {"resolution", subnet.resolution},
               {"depths", subnet.depths},
               {"kernels", Json::array()},
               {"expand_ratios", Json::array()}};
  for_each_stage(space, [&](std::size_t s, std::size_t first_block) {
    Json kernels = Json::array();
    Json expands = Json::array();
    for (int b = 0; b < subnet.depths[s]; ++b) {
      const BlockGenes& genes = subnet.blocks[first_block + static_cast<std::size_t>(b)];
      kernels.push_back(genes.kernel);
      expands.push_back(genes.expand_ratio);
    }
    json["kernels"].push_back(std::move(kernels));
    json["expand_ratios"].push_back(std::move(expands));
  });
  return json.dump();
}

Subnet subnet_from_json(const SearchSpace& space, std::string_view text,
                        const std::string& source) {
  const Json json = parse_json(text, source);
  if (is_network(json)) return read_network(space, text, source);
  Subnet subnet;
  try {
    subnet = read_subnet(space, json);
  } catch (const Json::exception& error) {
    throw Error("{}: is no sub-network: {}", source, error.what());
  } catch (const Error& error) {
    throw Error("{}: {}", source, error.what());
  }
  require_member(space, subnet, source);
  return canonical(space, std::move(subnet));
}

void require_member(const SearchSpace& space, const Subnet& subnet, const std::string& source) {
  require_choice(space.widths, subnet.width, source, "width");
  require_choice(space.resolutions, subnet.resolution, source, "resolution");
  if (subnet.depths.size() != space.stages.size() ||
      subnet.blocks.size() != static_cast<std::size_t>(space.max_blocks())) {
    throw Error("{}: has {} stages and room for {} blocks, the space has {} and {}", source,
                subnet.depths.size(), subnet.blocks.size(), space.stages.size(),
                space.max_blocks());
  }
  for_each_stage(space, [&](std::size_t s, std::size_t first_block) {
    const Stage& stage = space.stages[s];
    require_choice(stage.depths, subnet.depths[s], source, fmt::format("depths[{}]", s));
    for (int b = 0; b < subnet.depths[s]; ++b) {
      const BlockGenes& genes = subnet.blocks[first_block + static_cast<std::size_t>(b)];
      require_choice(stage.kernels, genes.kernel, source, fmt::format("kernels[{}][{}]", s, b));
      require_choice(stage.expand_ratios, genes.expand_ratio, source,
                     fmt::format("expand_ratios[{}][{}]", s, b));
    }
  });
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
        static_cast<std::uint64_t>(genes.kernel));
  }
  return static_cast<std::size_t>(hash);
}

}  // namespace mcunet::search::space
