#include "mcunet/search/space/find_subnet.hpp"

#include <gmock/gmock.h>

#include "core/error_text.hpp"
#include "mcunet/search/space/subnet_json.hpp"
#include "search/space/test_spaces.hpp"

namespace mcunet::search::space {
namespace {

TEST(FindSubnet, EveryMemberIsFoundAsANetwork) {
  SearchSpace space = load_shipped_space("proxyless");
  space.widths = {0.3, 1.0};
  space.resolutions = {96, 128};
  RandomStream random(2);
  for (int i = 0; i < 100; ++i) {
    const Subnet subnet = sample(space, Sampling::kUniformGenes, random);
    const Network network = build_network(space, subnet);
    EXPECT_EQ(find_subnet(space, network), subnet);
    EXPECT_EQ(subnet_from_json(space, network_to_json(network), "x.json"), subnet);
  }
}

TEST(FindSubnet, NetworksOutsideTheSpaceAreRefused) {
  const SearchSpace space = make_tiny_space();
  Network network = build_network(space, largest(space));
  network.blocks[1].kernel = 7;
  EXPECT_EQ(find_subnet(space, network), std::nullopt);
  EXPECT_EQ(error_of([&] { subnet_from_json(space, network_to_json(network), "x.json"); }),
            "x.json: the space tiny has no such network");
  network = build_network(space, largest(space));
  network.resolution = 48;
  EXPECT_EQ(find_subnet(space, network), std::nullopt);
  network = build_network(space, largest(space));
  network.blocks.pop_back();
  EXPECT_EQ(find_subnet(space, network), std::nullopt);
  network.blocks.clear();
  EXPECT_EQ(find_subnet(space, network), std::nullopt);
}

}  // namespace
}  // namespace mcunet::search::space
