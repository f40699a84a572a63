#include "codegen/loops.hpp"

#include <gtest/gtest.h>

namespace mcunet::engine {
namespace {

TEST(Loops, WhatGoesOnIsOneLoop) {
  const Shape shape = {2, 3, 4};
  const Loops loops = merged({{2, 3, 4}, {strides_of(shape), strides_of(shape)}});
  EXPECT_EQ(loops.sizes, (std::array<std::int64_t, 3>{1, 1, 24}));
  EXPECT_EQ(loops.strides[1], (Strides{0, 0, 1}));
}

TEST(Loops, AnOperandThatRepeatsKeepsItsAxisApart) {
  const Loops loops = merged({{2, 3, 4}, {strides_of({2, 3, 4}), broadcast_strides_of({1, 1, 4})}});
  EXPECT_EQ(loops.sizes, (std::array<std::int64_t, 3>{1, 6, 4}));
  EXPECT_EQ(loops.strides, (std::vector<Strides>{{0, 4, 1}, {0, 0, 1}}));
}

TEST(Loops, AxesOfOneElementAreLeftOut) {
  const Loops loops = merged({{5, 1, 2}, {{-4, 7, 1}}});
  EXPECT_EQ(loops.sizes, (std::array<std::int64_t, 3>{1, 5, 2}));
  EXPECT_EQ(loops.strides[0], (Strides{0, -4, 1}));
  EXPECT_EQ(merged({{1, 1, 1}, {{9, 9, 9}}}).sizes, (std::array<std::int64_t, 3>{1, 1, 1}));
}

}  // namespace
}  // namespace mcunet::engine
