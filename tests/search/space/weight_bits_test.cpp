// The bits of a block's weights as a gene: in every walk, text and plan, and nowhere if a space has none.
#include <gmock/gmock.h>

#include <set>

#include "core/error_text.hpp"
#include "mcunet/search/space/find_subnet.hpp"
#include "mcunet/search/space/genes.hpp"
#include "mcunet/search/space/subnet_json.hpp"
#include "mcunet/search/space/variation.hpp"
#include "mcunet/search/subnet_oracle.hpp"
#include "test_spaces.hpp"

namespace mcunet::search::space {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

SearchSpace with_bits(SearchSpace space) {
  for (Stage& stage : space.stages) stage.weight_bits = {4, 8};
  return space;
}

std::string error_of_space(const std::string& yaml) {
  return error_of([&] { read_search_space(parse_config(yaml, "s.yaml")); });
}

TEST(WeightBitsGene, IsReadForAllStagesOrOne) {
  const SearchSpace all = read_search_space(
      parse_config("elastic_weight_bits: [4, 8]\nstages: [{channels: 8}, {channels: 16}]", "x"));
  EXPECT_TRUE(all.has_elastic_weight_bits());
  EXPECT_THAT(all.stages[1].weight_bits, ElementsAre(4, 8));
  SearchSpace one = read_search_space(
      parse_config("stages: [{channels: 8, weight_bits: [8]}, {channels: 16}]", "x"));
  EXPECT_TRUE(one.has_elastic_weight_bits());
  EXPECT_TRUE(one.stages[1].weight_bits.empty());
  const SearchSpace copy =
      read_search_space(parse_config(to_json_text(write_fields(fields_of(one))), "manifest.json"));
  EXPECT_THAT(copy.stages[0].weight_bits, ElementsAre(8));
  EXPECT_TRUE(copy.stages[1].weight_bits.empty());
  EXPECT_EQ(error_of_space("elastic_weight_bits: [4, 6]\nstages: [{channels: 8}]"),
            "s.yaml:1: elastic_weight_bits: must be 4, 8 or both, one is 6");
  EXPECT_EQ(error_of_space("elastic_weight_bits: [4, 4]\nstages: [{channels: 8}]"),
            "s.yaml:1: elastic_weight_bits: holds a value twice");
  EXPECT_EQ(
      error_of_space("stages: [{channels: 8, weight_bits: two}]"),
      "s.yaml:1: stages[0].weight_bits: must be a list of numbers or {from, to, step}, is two");
}

TEST(WeightBitsGene, IsAGeneOfEachBlock) {
  const SearchSpace space = with_bits(make_tiny_space());
  EXPECT_EQ(count_networks(space), "120") << "(4 + 4²) · 6";
  std::set<std::string> names;
  for_each_gene(space, [&](const auto& gene, const auto&) { names.insert(gene.name()); });
  EXPECT_TRUE(names.contains("weight_bits[0][1]"));
  EXPECT_TRUE(names.contains("weight_bits[1][0]"));
  EXPECT_EQ(largest(space).blocks[0].weight_bits, 8);
  EXPECT_EQ(smallest(space).blocks[0].weight_bits, 4);
  RandomStream random(3);
  std::set<std::string> drawn;
  for (int i = 0; i < 3000; ++i) {
    const Subnet parent = sample(space, Sampling::kUniformNetworks, random);
    drawn.insert(subnet_to_json(space, parent));
    for (const Subnet& child :
         {mutate(space, parent, 0.3, random), cross(space, parent, smallest(space), random)}) {
      EXPECT_NO_THROW(require_member(space, child, "child"));
      EXPECT_EQ(child, canonical(space, child));
    }
  }
  EXPECT_EQ(drawn.size(), 120u);
}

TEST(WeightBitsGene, ShrinkingNarrows) {
  const SearchSpace space = with_bits(make_tiny_space());
  RandomStream random(1);
  Subnet subnet = smallest(space);
  subnet.blocks[0].weight_bits = 8;
  EXPECT_TRUE(shrink(space, subnet, random));
  EXPECT_EQ(subnet, smallest(space));
}

TEST(WeightBitsGene, TextsTellIt) {
  const SearchSpace space = with_bits(make_tiny_space());
  RandomStream random(2);
  for (int i = 0; i < 50; ++i) {
    const Subnet subnet = sample(space, Sampling::kUniformGenes, random);
    const std::string text = subnet_to_json(space, subnet);
    EXPECT_EQ(subnet_from_json(space, text, "x"), subnet);
    const Network network = build_network(space, subnet);
    EXPECT_EQ(subnet_from_json(space, network_to_json(network), "x"), subnet);
    // The network that leaves the supernet has the bits of its blocks.
    const SearchSpace own = space_of(space, subnet);
    EXPECT_EQ(network_to_json(build_network(own, largest(own))), network_to_json(network));
  }
  EXPECT_THAT(subnet_to_json(space, smallest(space)), HasSubstr(R"("weight_bits":[[4],[4]])"));
  EXPECT_THAT(error_of([&] {
                subnet_from_json(space,
                                 subnet_to_json(make_tiny_space(), smallest(make_tiny_space())),
                                 "net.json");
              }),
              HasSubstr("net.json: is no sub-network: "));
  std::string text = subnet_to_json(space, smallest(space));
  text.replace(text.find("[[4],[4]]"), 9, "[[4],[5]]");
  EXPECT_EQ(error_of([&] { subnet_from_json(space, text, "net.json"); }),
            "net.json: weight_bits[1][0]: must be one of 4, 8, is 5");
}

TEST(WeightBitsGene, NetworksStateItOrNot) {
  const SearchSpace space = with_bits(make_tiny_space());
  Network network = build_network(space, smallest(space));
  network.blocks[1].weight_bits = 0;
  EXPECT_EQ(find_subnet(space, network)->blocks[0].weight_bits, 8) << "the most";
  const std::string plain =
      network_to_json(build_network(make_tiny_space(), smallest(make_tiny_space())));
  EXPECT_THAT(plain, Not(HasSubstr("weight_bits")));
  std::string odd = network_to_json(build_network(space, smallest(space)));
  odd.replace(odd.find("\"weight_bits\": 4"), 16, "\"weight_bits\": 5");
  EXPECT_THAT(error_of([&] { network_from_json(odd, "x"); }),
              HasSubstr("weight_bits must be 4 or 8"));
}

// Of equal networks but for the bits of their blocks; the stem, the first block and the head have the job's.
TEST(WeightBitsGene, PlansFollow) {
  const SearchSpace space = with_bits(make_tiny_space());
  Subnet subnet = smallest(space);
  // Of weights.
  const auto flash = [&](const engine::OracleOptions& options) {
    engine::ResourceOracle oracle(options);
    oracle.measure(lower_for(options, build_network(space, subnet)));
    EXPECT_EQ(oracle.flash().total(), SubnetOracle(options).measure(space, subnet).flash_bytes);
    return oracle.flash().weights;
  };
  const auto weights_of_block = [&](std::int32_t block) {
    const engine::Graph graph = lower(build_network(space, subnet));
    std::int64_t sum = 0;
    for (const engine::Op& op : graph.ops) {
      if (op.block == block) sum += engine::cost_of(graph, op).weights;
    }
    return sum;
  };
  const std::int64_t narrow = flash({});
  subnet.blocks[0].weight_bits = 8;
  EXPECT_EQ(flash({}) - narrow, weights_of_block(2) / 2);
  const std::int64_t stem_and_head = weights_of_block(0) + weights_of_block(4);
  EXPECT_EQ(flash({}) - flash({.widths = {.weights = 4}}),
            (stem_and_head + weights_of_block(1)) / 2);
  EXPECT_EQ(flash({.widths = {.weights = 4}, .keep_first_last = true}) -
                flash({.widths = {.weights = 4}}),
            stem_and_head / 2);
}

}  // namespace
}  // namespace mcunet::search::space
