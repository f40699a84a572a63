#include "mcunet/search/space/subnet_json.hpp"

#include <nlohmann/json.hpp>

#include "mcunet/core/error.hpp"
#include "mcunet/core/json_text.hpp"
#include "mcunet/search/space/find_subnet.hpp"
#include "mcunet/search/space/genes.hpp"

namespace mcunet::search::space {
namespace {

using Json = nlohmann::ordered_json;

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
  std::vector<const char*> keys = {"depths", "kernels", "expand_ratios"};
  if (space.has_elastic_weight_bits()) keys.push_back("weight_bits");
  for (const char* key : keys) require_size(json.at(key), space.stages.size(), key);
  const auto read_depth = [&](const Stage& stage, std::size_t s) {
    json.at("depths")[s].get_to(subnet.depths[s]);
    if (subnet.depths[s] < 0 || subnet.depths[s] > stage.max_depth()) {
      throw Error("depths[{}]: must be at most {}, is {}", s, stage.max_depth(), subnet.depths[s]);
    }
    const auto depth = static_cast<std::size_t>(subnet.depths[s]);
    require_size(json.at("kernels")[s], depth, fmt::format("kernels[{}]", s));
    require_size(json.at("expand_ratios")[s], depth, fmt::format("expand_ratios[{}]", s));
    if (stage.weight_bits.empty()) return;
    require_size(json.at("weight_bits")[s], depth, fmt::format("weight_bits[{}]", s));
  };
  walk(space, read_depth, [&](const BlockPlace& block) {
    if (!block.is_in(subnet)) return;
    const auto position = static_cast<std::size_t>(block.position);
    BlockGenes& genes = subnet.blocks[block.index];
    json.at("kernels")[block.stage][position].get_to(genes.kernel);
    json.at("expand_ratios")[block.stage][position].get_to(genes.expand_ratio);
    if (block.choices.weight_bits.empty()) return;
    json.at("weight_bits")[block.stage][position].get_to(genes.weight_bits);
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
  const bool has_bits = space.has_elastic_weight_bits();
  const auto begin_lists = [&](const Stage&, std::size_t) {
    json["kernels"].push_back(Json::array());
    json["expand_ratios"].push_back(Json::array());
    if (has_bits) json["weight_bits"].push_back(Json::array());
  };
  walk(space, begin_lists, [&](const BlockPlace& block) {
    if (!block.is_in(subnet)) return;
    json["kernels"].back().push_back(subnet.blocks[block.index].kernel);
    json["expand_ratios"].back().push_back(subnet.blocks[block.index].expand_ratio);
    if (block.choices.weight_bits.empty()) return;
    json["weight_bits"].back().push_back(subnet.blocks[block.index].weight_bits);
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

}  // namespace mcunet::search::space
