#include <gtest/gtest.h>

#include <algorithm>

#include "mcunet_kernels.h"
#include "random_layer.hpp"

// Sums, differences, products and extrema against plain formulas, and operands that repeat.
namespace mcunet::kernels_test {
namespace {

constexpr int kLayers = 300;

mcunet_elementwise_layer random_elementwise(Random& random, int i) {
  mcunet_elementwise_layer layer{};
  layer.elements = random.between(1, 60);
  layer.period = layer.elements;
  if (random.one_in(3)) {
    layer.period = random.between(1, 6);
    layer.elements = layer.period * random.between(1, 9);
  }
  for (mcunet_operand& operand : layer.operands) {
    operand = {random.between(-128, 127), random.between(1 << 30, INT32_MAX), random.between(1, 5)};
  }
  // As TFLite has it: the larger scale's multiplier is exactly a half.
  if (i % 4 < 2) layer.operands[i % 2].multiplier = 1 << 30, layer.operands[i % 2].shift = 0;
  layer.multiplier = random.between(1 << 30, INT32_MAX);
  layer.shift = random.between(17, 20);
  layer.output = {random.between(-128, 127), -128, 127};
  if (random.one_in(3)) layer.output.min = -100, layer.output.max = 90;
  return layer;
}

TEST(Elementwise, SumsAndDifferencesMatch) {
  Random random(3);
  for (int i = 0; i < 4 * kLayers; ++i) {
    const mcunet_elementwise_layer layer = random_elementwise(random, i);
    const Bytes a = random.bytes(static_cast<std::size_t>(layer.elements));
    const Bytes b = random.bytes(static_cast<std::size_t>(layer.period));
    for (const int sign : {1, -1}) {
      Bytes output = a;  // in place
      (sign == 1 ? mcunet_add : mcunet_sub)(output.data(), b.data(), output.data(), &layer);
      for (std::size_t e = 0; e < output.size(); ++e) {
        const int x = (a[e] - layer.operands[0].zero_point) << 20;
        const int y = (b[e % b.size()] - layer.operands[1].zero_point) << 20;
        const int sum =
            reference_rescale(x, layer.operands[0].multiplier, -layer.operands[0].shift) +
            sign * reference_rescale(y, layer.operands[1].multiplier, -layer.operands[1].shift);
        const int value =
            reference_rescale(sum, layer.multiplier, -layer.shift) + layer.output.zero_point;
        ASSERT_EQ(output[e], std::clamp(value, layer.output.min, layer.output.max))
            << "layer " << i;
      }
    }
  }
}

// The value of a tensor at an output position; along axes of size 1 it repeats.
std::int8_t at_position(const Bytes& values, const int (&sizes)[3], int y, int x, int c) {
  const int row = sizes[0] == 1 ? 0 : y;
  const int column = sizes[1] == 1 ? 0 : x;
  const int channel = sizes[2] == 1 ? 0 : c;
  return values[index_in(sizes, row, column, channel)];
}

// Sizes of two operands and their output, that repeat along random axes of one or the other.
struct Broadcast {
  int sizes[3];
  int operand_sizes[2][3];
  int strides[2][3];
  Bytes operands[2];

  explicit Broadcast(Random& random) {
    for (int axis = 0; axis < 3; ++axis) {
      sizes[axis] = random.between(1, 5);
      for (auto& own : operand_sizes) own[axis] = sizes[axis];
      if (random.one_in(2)) operand_sizes[random.between(0, 1)][axis] = 1;
    }
    for (int side = 0; side < 2; ++side) {
      const auto& s = operand_sizes[side];
      operands[side] = random.bytes(static_cast<std::size_t>(s[0] * s[1] * s[2]));
      const int steps[] = {s[1] * s[2], s[2], 1};
      for (int axis = 0; axis < 3; ++axis) strides[side][axis] = s[axis] == 1 ? 0 : steps[axis];
    }
  }

  // An operand with all its repetitions.
  Bytes repeated(int side) const {
    Bytes values;
    for (int y = 0; y < sizes[0]; ++y) {
      for (int x = 0; x < sizes[1]; ++x) {
        for (int c = 0; c < sizes[2]; ++c) {
          values.push_back(at_position(operands[side], operand_sizes[side], y, x, c));
        }
      }
    }
    return values;
  }
};

TEST(Elementwise, BroadcastsOfEitherOperandMatchTheOperatorOnRepeatedValues) {
  Random random(8);
  for (int i = 0; i < 2 * kLayers; ++i) {
    mcunet_broadcast_layer layer{random_elementwise(random, i), {}, {}};
    const Broadcast of(random);
    std::copy(std::begin(of.sizes), std::end(of.sizes), layer.sizes);
    for (int side = 0; side < 2; ++side) {
      std::copy(std::begin(of.strides[side]), std::end(of.strides[side]), layer.strides[side]);
    }
    const Bytes a = of.repeated(0), b = of.repeated(1);
    mcunet_elementwise_layer plain = layer.values;
    plain.elements = plain.period = static_cast<int>(a.size());
    Bytes expected(a.size()), output(a.size());
    const auto expect_same = [&](auto one_to_one, auto broadcast) {
      one_to_one(a.data(), b.data(), expected.data(), &plain);
      broadcast(of.operands[0].data(), of.operands[1].data(), output.data(), &layer);
      ASSERT_EQ(output, expected) << "layer " << i;
    };
    expect_same(mcunet_add, mcunet_add_broadcast);
    expect_same(mcunet_sub, mcunet_sub_broadcast);
    expect_same(mcunet_mul, mcunet_mul_broadcast);
    expect_same(mcunet_prelu, mcunet_prelu_broadcast);
    expect_same(mcunet_squared_difference, mcunet_squared_difference_broadcast);
  }
}

TEST(Elementwise, TheLargerAndTheSmallerOfTwo) {
  Random random(11);
  for (int i = 0; i < kLayers; ++i) {
    const Broadcast of(random);
    mcunet_extremum_layer layer{};
    std::copy(std::begin(of.sizes), std::end(of.sizes), layer.sizes);
    for (int side = 0; side < 2; ++side) {
      std::copy(std::begin(of.strides[side]), std::end(of.strides[side]), layer.strides[side]);
    }
    const Bytes a = of.repeated(0), b = of.repeated(1);
    Bytes larger(a.size()), smaller(a.size());
    mcunet_maximum(of.operands[0].data(), of.operands[1].data(), larger.data(), &layer);
    mcunet_minimum(of.operands[0].data(), of.operands[1].data(), smaller.data(), &layer);
    for (std::size_t e = 0; e < a.size(); ++e) {
      ASSERT_EQ(larger[e], std::max(a[e], b[e])) << "layer " << i;
      ASSERT_EQ(smaller[e], std::min(a[e], b[e])) << "layer " << i;
    }
  }
}

TEST(Elementwise, ProductsMatch) {
  Random random(4);
  for (int i = 0; i < kLayers; ++i) {
    mcunet_elementwise_layer layer = random_elementwise(random, i);
    layer.shift = random.between(3, 9);
    const Bytes a = random.bytes(static_cast<std::size_t>(layer.elements));
    const Bytes b = random.bytes(static_cast<std::size_t>(layer.period));
    Bytes output(a.size());
    mcunet_mul(a.data(), b.data(), output.data(), &layer);
    for (std::size_t e = 0; e < output.size(); ++e) {
      const int product =
          (a[e] - layer.operands[0].zero_point) * (b[e % b.size()] - layer.operands[1].zero_point);
      const int value =
          reference_rescale(product, layer.multiplier, -layer.shift) + layer.output.zero_point;
      ASSERT_EQ(output[e], std::clamp(value, layer.output.min, layer.output.max));
    }
  }
}

TEST(Elementwise, SquaresOfDifferencesMatch) {
  Random random(13);
  for (int i = 0; i < kLayers; ++i) {
    mcunet_elementwise_layer layer = random_elementwise(random, i);
    layer.shift = random.between(12, 20);
    const Bytes a = random.bytes(static_cast<std::size_t>(layer.elements));
    const Bytes b = random.bytes(static_cast<std::size_t>(layer.period));
    Bytes output = a;  // in place
    mcunet_squared_difference(output.data(), b.data(), output.data(), &layer);
    for (std::size_t e = 0; e < output.size(); ++e) {
      const auto term = [](int value, const mcunet_operand& operand) {
        return reference_rescale((value - operand.zero_point) * 128, operand.multiplier,
                                 -operand.shift);
      };
      const int difference =
          term(a[e], layer.operands[0]) - term(b[e % b.size()], layer.operands[1]);
      const int value = reference_rescale(difference * difference, layer.multiplier, -layer.shift) +
                        layer.output.zero_point;
      ASSERT_EQ(output[e], std::clamp(value, layer.output.min, layer.output.max)) << "layer " << i;
    }
  }
}

TEST(Elementwise, NegativeValuesHaveSlopes) {
  Random random(12);
  for (int i = 0; i < kLayers; ++i) {
    mcunet_elementwise_layer layer = random_elementwise(random, i);
    layer.shift = random.between(-1, 9);
    layer.operands[0].shift = random.between(-2, 2);
    const Bytes a = random.bytes(static_cast<std::size_t>(layer.elements));
    const Bytes b = random.bytes(static_cast<std::size_t>(layer.period));
    Bytes output = a;  // in place
    mcunet_prelu(output.data(), b.data(), output.data(), &layer);
    for (std::size_t e = 0; e < output.size(); ++e) {
      const int value = a[e] - layer.operands[0].zero_point;
      const int product = value * (b[e % b.size()] - layer.operands[1].zero_point);
      const int rescaled = value >= 0 ? reference_rescale(value, layer.operands[0].multiplier,
                                                          -layer.operands[0].shift)
                                      : reference_rescale(product, layer.multiplier, -layer.shift);
      ASSERT_EQ(output[e],
                std::clamp(rescaled + layer.output.zero_point, layer.output.min, layer.output.max))
          << "layer " << i;
    }
  }
}

}  // namespace
}  // namespace mcunet::kernels_test
