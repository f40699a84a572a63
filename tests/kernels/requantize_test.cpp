#include "requantize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "random_layer.hpp"

// The short forms of the requantization against TFLite's two roundings.
namespace mcunet::kernels_test {
namespace {

std::vector<std::int32_t> interesting_sums(Random& random, std::int32_t multiplier, int shift) {
  std::vector<std::int32_t> sums = {0,         1,         -1, 2, -2, INT32_MAX, INT32_MAX - 1,
                                    INT32_MIN, -INT32_MAX};
  for (int i = 0; i < 20; ++i) sums.push_back(random.between(INT32_MIN, INT32_MAX));
  // Around the ties of the second rounding.
  for (int i = 0; i < 20; ++i) {
    const double tie = (random.between(-140, 140) + 0.5) * std::exp2(shift + 31.0) / multiplier;
    if (std::abs(tie) > INT32_MAX - 2) continue;
    for (int d = -1; d <= 1; ++d) sums.push_back(static_cast<std::int32_t>(tie) + d);
  }
  return sums;
}

TEST(Requantize, ShortFormsMatchTwoRoundings) {
  Random random(1);
  for (int i = 0; i < 20000; ++i) {
    const std::int32_t multiplier = random.one_in(8)   ? 1 << 30
                                    : random.one_in(8) ? INT32_MAX
                                                       : random.between(1 << 30, INT32_MAX);
    const std::int32_t doubled =
        static_cast<std::int32_t>(static_cast<std::uint32_t>(multiplier) << 1);
    const int shift = random.between(1, 31);
    const int zero_point = random.between(-128, 127);
    for (const std::int32_t sum : interesting_sums(random, multiplier, shift)) {
      const std::int32_t exact = reference_rescale(sum, multiplier, -shift);
      ASSERT_EQ(mcunet_rescale(sum, multiplier, shift), exact);
      ASSERT_EQ(mcunet_rescale_down(sum, doubled, shift), exact);
      ASSERT_EQ(mcunet_requantize_linear(sum, doubled, shift, zero_point),
                std::clamp(exact + zero_point, -128, 127))
          << sum << " * " << multiplier << " >> " << shift;
      ASSERT_EQ(mcunet_requantize_relu(sum, doubled, shift, -128),
                std::clamp(exact - 128, -128, 127))
          << sum << " * " << multiplier << " >> " << shift;
    }
  }
}

TEST(Requantize, LeftShiftsMatch) {
  Random random(2);
  for (int i = 0; i < 1000; ++i) {
    const int left = random.between(0, 8);
    const int bits = random.between(20, 30);  // the highest ones are shifted out
    const std::int32_t value = random.between(-(1 << bits), 1 << bits);
    const std::int32_t multiplier = random.between(1 << 30, INT32_MAX);
    ASSERT_EQ(mcunet_rescale(value, multiplier, -left), reference_rescale(value, multiplier, left));
  }
}

}  // namespace
}  // namespace mcunet::kernels_test
