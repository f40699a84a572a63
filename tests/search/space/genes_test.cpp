#include "mcunet/search/space/genes.hpp"

#include <gmock/gmock.h>

#include <array>
#include <string>

#include "test_spaces.hpp"

namespace mcunet::search::space {
namespace {

using testing::ElementsAre;

TEST(Genes, AreVisitedStageByStage) {
  const SearchSpace space = make_tiny_space();
  std::vector<std::string> names;
  for_each_gene(space, [&](const auto& gene, const auto&) { names.push_back(gene.name()); });
  EXPECT_THAT(names, ElementsAre("width", "resolution", "depths[0]", "kernels[0][0]",
                                 "expand_ratios[0][0]", "kernels[0][1]", "expand_ratios[0][1]",
                                 "depths[1]", "kernels[1][0]", "expand_ratios[1][0]"));
}

TEST(Genes, AGeneIsThatOfAnySubnet) {
  const SearchSpace space = make_tiny_space();
  const Subnet source = largest(space);
  Subnet target = smallest(space);
  for_each_gene(space, source, [&](const auto& gene, const auto& choices) {
    EXPECT_EQ(gene.of(source), choices.back()) << gene.name();
    gene.of(target) = gene.of(source);
  });
  EXPECT_EQ(target, source);
}

TEST(Genes, BlocksFollowADepthThatTheWalkSets) {
  const SearchSpace space = make_tiny_space();
  Subnet subnet = smallest(space);
  int kernels = 0;
  for_each_gene(space, subnet, [&](const auto& gene, const auto& choices) {
    if (gene.key == std::string("depths")) gene.of(subnet) = choices.back();
    if (gene.key == std::string("kernels")) ++kernels;
  });
  EXPECT_EQ(kernels, 3);
}

TEST(Genes, BlocksKnowTheirPlace) {
  const SearchSpace space = make_tiny_space();
  const Subnet subnet = smallest(space);
  std::vector<std::array<std::size_t, 3>> all;
  std::vector<std::size_t> active;
  for_each_block(space, [&](const BlockPlace& block) {
    all.push_back({block.stage, static_cast<std::size_t>(block.position), block.index});
    EXPECT_EQ(&block.choices, &space.stages[block.stage]);
  });
  for_each_block(space, subnet, [&](const BlockPlace& block) { active.push_back(block.index); });
  EXPECT_THAT(all,
              ElementsAre(std::array<std::size_t, 3>{0, 0, 0}, std::array<std::size_t, 3>{0, 1, 1},
                          std::array<std::size_t, 3>{1, 0, 2}));
  EXPECT_THAT(active, ElementsAre(0, 2)) << "the first stage has one block of two";
}

}  // namespace
}  // namespace mcunet::search::space
