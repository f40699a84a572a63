#include "mcunet/search/space/subnet.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <map>
#include <set>
#include <tuple>
#include <unordered_set>

#include "core/error_text.hpp"
#include "mcunet/search/space/genes.hpp"
#include "test_spaces.hpp"

namespace mcunet::search::space {
namespace {

// Something to put into sets and maps.
std::vector<double> key_of(const Subnet& subnet) {
  std::vector<double> key = {subnet.width, static_cast<double>(subnet.resolution)};
  for (std::int32_t depth : subnet.depths) key.push_back(depth);
  for (const BlockGenes& genes : subnet.blocks) {
    key.push_back(genes.kernel);
    key.push_back(genes.expand_ratio);
  }
  return key;
}

double chi_square(const std::map<std::vector<double>, int>& counts, double expected) {
  double sum = 0;
  for (const auto& [key, count] : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

TEST(Subnet, UniformNetworksDrawsEachOneEquallyOften) {
  const SearchSpace space = make_tiny_space();
  RandomStream random(5);
  std::map<std::vector<double>, int> counts;
  for (int i = 0; i < 18'000; ++i) {
    ++counts[key_of(sample(space, Sampling::kUniformNetworks, random))];
  }
  ASSERT_EQ(counts.size(), 18u);
  EXPECT_LT(chi_square(counts, 1000), 40.8) << "the 99.9 % quantile at 17 degrees of freedom";
}

TEST(Subnet, UniformGenesDrawsEachDepthEquallyOften) {
  const SearchSpace space = load_shipped_space("proxyless");
  RandomStream random(5);
  std::map<std::vector<double>, int> depths;
  std::map<std::vector<double>, int> genes;
  for (int i = 0; i < 9000; ++i) {
    const Subnet subnet = sample(space, Sampling::kUniformGenes, random);
    ++depths[{static_cast<double>(subnet.depths[2])}];
    ++genes[{static_cast<double>(subnet.blocks[0].kernel), subnet.blocks[0].expand_ratio}];
  }
  EXPECT_LT(chi_square(depths, 3000), 13.8) << "99.9 % at 2 degrees of freedom";
  EXPECT_LT(chi_square(genes, 1000), 26.1) << "99.9 % at 8 degrees of freedom";
}

TEST(Subnet, EverySampleIsCanonical) {
  const SearchSpace space = load_shipped_space("mnasnet");
  RandomStream random(9);
  for (int i = 0; i < 500; ++i) {
    const Subnet subnet = sample(space, Sampling::kUniformGenes, random);
    EXPECT_EQ(subnet, canonical(space, subnet));
  }
}

TEST(Subnet, CanonicalFormForgetsInactiveBlocks) {
  const SearchSpace space = make_tiny_space();
  Subnet a = smallest(space);
  a.blocks[1].kernel = 5;  // the second block of stage 0, which has depth 1
  EXPECT_NE(a, smallest(space));
  EXPECT_EQ(canonical(space, a), smallest(space));
}

TEST(Subnet, WhatContainsAnotherIsNowhereSmaller) {
  const SearchSpace space = make_tiny_space();
  RandomStream random(11);
  std::set<std::vector<double>> distinct;
  for (int i = 0; i < 1000; ++i) {
    const Subnet contained = sample(space, Sampling::kUniformGenes, random);
    const Subnet subnet = sample_containing(space, contained, random);
    EXPECT_EQ(subnet, canonical(space, subnet));
    require_member(space, subnet, "sub-network");
    for_each_gene(space, [&](const auto& gene, const auto&) {
      if (!gene.is_in(contained)) return;
      EXPECT_GE(gene.of(subnet), gene.of(contained)) << gene.name();
    });
    distinct.insert(key_of(sample_containing(space, smallest(space), random)));
    EXPECT_EQ(sample_containing(space, largest(space), random), largest(space));
  }
  EXPECT_EQ(distinct.size(), 18u) << "the smallest is in all others";
}

TEST(Subnet, NeighboursDifferInOneGene) {
  const SearchSpace space = make_tiny_space();
  // Deepest: 1 other depth, 2 blocks with 1 other kernel, 1 block with 2 other expansions.
  EXPECT_EQ(neighbours(space, largest(space)).size(), 1u + 2u + 2u);
  // Shallowest: 1 other depth, 1 kernel, 2 expansions.
  EXPECT_EQ(neighbours(space, smallest(space)).size(), 1u + 1u + 2u);
  for (const Subnet& neighbour : neighbours(space, largest(space))) {
    EXPECT_EQ(neighbour, canonical(space, neighbour));
    EXPECT_NE(neighbour, largest(space));
  }
}

TEST(Subnet, NeighboursConnectTheWholeSpace) {
  const SearchSpace space = make_tiny_space();
  std::set<std::vector<double>> reached = {key_of(smallest(space))};
  std::vector<Subnet> frontier = {smallest(space)};
  while (!frontier.empty()) {
    const Subnet subnet = frontier.back();
    frontier.pop_back();
    for (const Subnet& neighbour : neighbours(space, subnet)) {
      if (reached.insert(key_of(neighbour)).second) frontier.push_back(neighbour);
    }
  }
  EXPECT_EQ(reached.size(), 18u);
}

TEST(Subnet, NeighboursVaryElasticWidthAndResolution) {
  SearchSpace space = make_tiny_space();
  space.widths = {0.5, 1.0};
  space.resolutions = {32, 48, 64};
  EXPECT_EQ(neighbours(space, smallest(space)).size(), 1u + 2u + 4u);
}

TEST(Subnet, BuildsTheNetworkOfThePublishedScaling) {
  // ProxylessNAS widths at 0.5, as in the published 320 kB network.
  const SearchSpace space = load_shipped_space("proxyless").at(0.5, 176);
  const Network network = build_network(space, largest(space));
  EXPECT_EQ(network.stem_channels, 16);
  EXPECT_EQ(network.resolution, 176);
  ASSERT_EQ(network.blocks.size(), 22u);
  EXPECT_EQ(network.blocks[0].out_channels, 8);
  EXPECT_FALSE(network.blocks[0].has_residual);
  EXPECT_EQ(network.blocks[1].in_channels, 8);
  EXPECT_EQ(network.blocks[1].mid_channels, 48);
  EXPECT_EQ(network.blocks[1].out_channels, 16);
  EXPECT_EQ(network.blocks[1].stride, 2);
  EXPECT_TRUE(network.blocks[2].has_residual);
  EXPECT_EQ(network.blocks.back().out_channels, 160);
  EXPECT_FALSE(network.feature_mix_channels.has_value());
}

TEST(Subnet, DepthLeavesOutTheLastBlocksOfAStage) {
  const SearchSpace space = make_tiny_space();
  Subnet subnet = largest(space);
  EXPECT_EQ(build_network(space, subnet).blocks.size(), 4u);
  subnet.depths[0] = 1;
  const Network network = build_network(space, canonical(space, subnet));
  ASSERT_EQ(network.blocks.size(), 3u);
  EXPECT_EQ(network.blocks[2].expand_ratio, 6) << "the genes of stage 1 stay where they are";
}

TEST(Subnet, SpaceOfASubnetHoldsItsNetworkAlone) {
  SearchSpace space = load_shipped_space("proxyless");
  space.widths = {0.3, 0.5};
  RandomStream random(3);
  for (int i = 0; i < 50; ++i) {
    const Subnet subnet = sample(space, Sampling::kUniformGenes, random);
    const SearchSpace only = space_of(space, subnet);
    EXPECT_EQ(count_networks(only), "1");
    EXPECT_EQ(lower(build_network(only, largest(only))), lower(build_network(space, subnet)));
    EXPECT_EQ(largest(only), smallest(only));
  }
}

TEST(Subnet, WhatIsNoMemberIsTold) {
  const SearchSpace space = make_tiny_space();
  const auto complaint = [&](auto spoil) {
    Subnet subnet = largest(space);
    spoil(subnet);
    return error_of([&] { require_member(space, subnet, "x"); });
  };
  EXPECT_EQ(complaint([](Subnet&) {}), "(no error)");
  EXPECT_EQ(complaint([](Subnet& s) { s.width = 2; }), "x: width: must be one of 1, is 2");
  EXPECT_EQ(complaint([](Subnet& s) { s.resolution = 5; }),
            "x: resolution: must be one of 32, is 5");
  EXPECT_EQ(complaint([](Subnet& s) { s.depths[0] = 3; }),
            "x: depths[0]: must be one of 1, 2, is 3");
  EXPECT_EQ(complaint([](Subnet& s) { s.blocks[1].kernel = 7; }),
            "x: kernels[0][1]: must be one of 3, 5, is 7");
  EXPECT_EQ(complaint([](Subnet& s) { s.blocks[2].expand_ratio = 5; }),
            "x: expand_ratios[1][0]: must be one of 3, 4, 6, is 5");
  EXPECT_EQ(complaint([](Subnet& s) { s.depths.pop_back(); }),
            "x: has 1 stages and room for 3 blocks, the space tiny has 2 and 3");
}

TEST(Subnet, GenesOfInactiveBlocksAreNotChecked) {
  const SearchSpace space = make_tiny_space();
  Subnet subnet = smallest(space);
  subnet.blocks[1].kernel = 7;  // the second block of stage 0, which has depth 1
  EXPECT_NO_THROW(require_member(space, subnet, "x"));
}

TEST(SubnetHash, SpreadsNeighbours) {
  const SearchSpace space = load_shipped_space("proxyless");
  RandomStream random(1);
  std::unordered_set<std::size_t> hashes;
  std::size_t networks = 0;
  for (int i = 0; i < 100; ++i) {
    for (const Subnet& near : neighbours(space, sample(space, Sampling::kUniformGenes, random))) {
      hashes.insert(SubnetHash()(near));
      ++networks;
    }
  }
  EXPECT_EQ(hashes.size(), networks);
}

}  // namespace
}  // namespace mcunet::search::space
