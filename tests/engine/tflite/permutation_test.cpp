#include "tflite/permutation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "mcunet/core/error.hpp"

namespace mcunet::engine {
namespace {

using testing::ElementsAre;
using Axes = std::vector<std::size_t>;
using Dims = std::vector<std::int32_t>;

TEST(MapPermutation, JoinsWhatStaysTogether) {
  // Channels shuffled between groups.
  const auto shuffle = map_permutation(Dims{1, 4, 6, 2, 3}, Axes{0, 1, 2, 4, 3});
  ASSERT_TRUE(shuffle);
  EXPECT_EQ(shuffle->from, (Shape{24, 2, 3}));
  EXPECT_THAT(shuffle->axes, ElementsAre(0, 2, 1));
}

TEST(MapPermutation, LosesDimensionsOfOneElement) {
  const auto swapped = map_permutation(Dims{1, 5, 1, 1, 3, 1}, Axes{4, 0, 2, 5, 1, 3});
  ASSERT_TRUE(swapped);
  EXPECT_EQ(swapped->from, (Shape{1, 5, 3}));
  EXPECT_THAT(swapped->axes, ElementsAre(0, 2, 1));
}

TEST(MapPermutation, KeepsTheOrderOfAnIdentity) {
  const auto same = map_permutation(Dims{2, 3, 1, 4, 5}, Axes{0, 1, 2, 3, 4});
  ASSERT_TRUE(same);
  EXPECT_EQ(same->from, (Shape{1, 1, 120}));
  EXPECT_THAT(same->axes, ElementsAre(0, 1, 2));
}

TEST(MapPermutation, TurnsThreeAround) {
  const auto turned = map_permutation(Dims{2, 3, 4, 5}, Axes{2, 3, 1, 0});
  ASSERT_TRUE(turned);
  EXPECT_EQ(turned->from, (Shape{2, 3, 20}));
  EXPECT_THAT(turned->axes, ElementsAre(2, 1, 0));
}

TEST(MapPermutation, GivesUpOnFour) {
  EXPECT_FALSE(map_permutation(Dims{2, 3, 4, 5}, Axes{3, 2, 1, 0}));
}

TEST(MapPermutation, RefusesWhatIsNone) {
  EXPECT_THROW(map_permutation(Dims{2, 3}, Axes{0, 0}), Error);
  EXPECT_THROW(map_permutation(Dims{2, 3}, Axes{0}), Error);
  EXPECT_THROW(map_permutation(Dims{2, 3}, Axes{0, 2}), Error);
}

}  // namespace
}  // namespace mcunet::engine
