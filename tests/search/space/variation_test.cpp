#include "mcunet/search/space/variation.hpp"

#include <gmock/gmock.h>

#include "mcunet/search/space/subnet_json.hpp"
#include "test_spaces.hpp"

namespace mcunet::search::space {
namespace {

Subnet draw(const SearchSpace& space, RandomStream& random) {
  return sample(space, Sampling::kUniformGenes, random);
}

SearchSpace make_elastic_space() {
  SearchSpace space = load_shipped_space("proxyless");
  space.widths = {0.4, 0.5};
  space.resolutions = {96, 128, 160};
  return space;
}

TEST(Variation, ChildrenAreCanonicalMembers) {
  const SearchSpace space = make_elastic_space();
  RandomStream random(1);
  for (int i = 0; i < 500; ++i) {
    const Subnet a = draw(space, random);
    const Subnet b = draw(space, random);
    for (const Subnet& child : {mutate(space, a, 0.3, random), cross(space, a, b, random)}) {
      EXPECT_NO_THROW(require_member(space, child, "child"));
      EXPECT_EQ(child, canonical(space, child));
    }
  }
}

TEST(Variation, MutationDrawsEachGeneWithItsProbability) {
  const SearchSpace space = make_elastic_space();
  RandomStream random(2);
  Subnet parent = largest(space);
  int depths = 0;
  int blocks = 0;
  int resolutions = 0;
  constexpr int kTrials = 20'000;
  for (int i = 0; i < kTrials; ++i) {
    const Subnet child = mutate(space, parent, 0.1, random);
    depths += child.depths[0] != parent.depths[0] ? 1 : 0;
    blocks += child.blocks[0] != parent.blocks[0] ? 1 : 0;
    resolutions += child.resolution != parent.resolution ? 1 : 0;
  }
  // A redraw gives the old value again in a third, or a ninth, of cases.
  EXPECT_NEAR(depths / double{kTrials}, 0.1 * 2 / 3, 0.008);
  EXPECT_NEAR(blocks / double{kTrials}, 0.1 * 8 / 9, 0.008);
  EXPECT_NEAR(resolutions / double{kTrials}, 0.1 * 2 / 3, 0.008);
}

TEST(Variation, BlocksThatAppearAreRandom) {
  const SearchSpace space = load_shipped_space("proxyless");
  RandomStream random(3);
  const Subnet parent = smallest(space);
  int grown = 0;
  int first_choices = 0;
  while (grown < 3000) {
    const Subnet child = mutate(space, parent, 0.1, random);
    if (child.depths[0] <= parent.depths[0]) continue;
    ++grown;
    first_choices += child.blocks[2] == parent.blocks[2] ? 1 : 0;
  }
  EXPECT_NEAR(first_choices / 3000.0, 1.0 / 9, 0.025);
}

TEST(Variation, CrossoverTakesEveryGeneFromAParent) {
  const SearchSpace space = make_elastic_space();
  RandomStream random(4);
  int from_first = 0;
  int total = 0;
  for (int i = 0; i < 1000; ++i) {
    const Subnet a = draw(space, random);
    const Subnet b = draw(space, random);
    const Subnet child = cross(space, a, b, random);
    EXPECT_TRUE(child.width == a.width || child.width == b.width);
    std::size_t block = 0;
    for (std::size_t s = 0; s < space.stages.size(); ++s) {
      EXPECT_TRUE(child.depths[s] == a.depths[s] || child.depths[s] == b.depths[s]);
      for (int d = 0; d < space.stages[s].max_depth(); ++d, ++block) {
        if (d >= child.depths[s]) continue;
        const bool may_be_a = d < a.depths[s];
        const bool may_be_b = d < b.depths[s];
        const int kernel = child.blocks[block].kernel;
        EXPECT_TRUE((may_be_a && kernel == a.blocks[block].kernel) ||
                    (may_be_b && kernel == b.blocks[block].kernel));
        if (!may_be_a || !may_be_b || a.blocks[block].kernel == b.blocks[block].kernel) continue;
        ++total;
        from_first += kernel == a.blocks[block].kernel ? 1 : 0;
      }
    }
  }
  EXPECT_NEAR(from_first / double(total), 0.5, 0.02);
}

TEST(Variation, ShrinkingEndsAtTheSmallest) {
  const SearchSpace space = make_elastic_space();
  RandomStream random(5);
  Subnet subnet = largest(space);
  int steps = 0;
  while (shrink(space, subnet, random)) ++steps;
  EXPECT_EQ(subnet, canonical(space, smallest(space)));
  EXPECT_LE(steps, 2 * space.max_blocks() + 6 + 2);
}

}  // namespace
}  // namespace mcunet::search::space
