#include "mcunet/search/space/subnet_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error_text.hpp"
#include "search/space/test_spaces.hpp"

namespace mcunet::search::space {
namespace {

using testing::HasSubstr;

TEST(SubnetJson, EveryMemberGoesAround) {
  SearchSpace space = load_shipped_space("proxyless");
  space.widths = {0.3, 0.5};
  space.resolutions = {96, 128};
  RandomStream random(1);
  for (int i = 0; i < 200; ++i) {
    const Subnet subnet = sample(space, Sampling::kUniformGenes, random);
    const std::string text = subnet_to_json(space, subnet);
    EXPECT_EQ(subnet_from_json(space, text, "x.json"), subnet) << text;
  }
}

TEST(SubnetJson, EveryMemberIsFoundAsANetwork) {
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

TEST(SubnetJson, NetworksOutsideTheSpaceAreRefused) {
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

TEST(SubnetJson, BadFilesAreRefused) {
  const SearchSpace space = make_tiny_space();
  const auto error = [&](const std::string& width, const std::string& stages) {
    const std::string text =
        fmt::format("{{\"width\": {}, \"resolution\": 32, \"stages\": {}}}", width, stages);
    return error_of([&] { subnet_from_json(space, text, "x.json"); });
  };
  const std::string block = R"({"kernel": 3, "expand_ratio": 3})";
  const std::string stage = R"({"blocks": [)" + block + "]}";
  EXPECT_EQ(error("1", "[" + stage + "," + stage + "]"), "(no error)");
  EXPECT_EQ(error("0.5", "[" + stage + "," + stage + "]"),
            "x.json: width: must be one of 1, is 0.5");
  EXPECT_EQ(error("1", "[" + stage + "]"), "x.json: stages: must be 2, are 1");
  EXPECT_EQ(error("1", "[" + stage + R"(, {"blocks": []}])"),
            "x.json: stages[1].blocks: their number: must be one of 1, is 0");
  EXPECT_EQ(error("1", "[" + stage + R"(, {"blocks": [{"kernel": 5, "expand_ratio": 3}]}])"),
            "x.json: stages[1].blocks[0].kernel: must be one of 3, is 5");
  EXPECT_EQ(error("1", R"([{"blocks": [{"kernel": 3}]}])"),
            "x.json:1: stages[0].blocks[0]: lacks the key expand_ratio");
  EXPECT_THAT(error_of([&] { subnet_from_json(space, "{", "x.json"); }),
              HasSubstr("x.json:1: is no valid YAML"));
}

}  // namespace
}  // namespace mcunet::search::space
