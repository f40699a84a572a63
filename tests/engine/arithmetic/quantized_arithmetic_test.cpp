#include "mcunet/engine/arithmetic/quantized_arithmetic.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "mcunet/core/random.hpp"

namespace mcunet::engine {
namespace {

constexpr std::int32_t kMin = std::numeric_limits<std::int32_t>::min();
constexpr std::int32_t kMax = std::numeric_limits<std::int32_t>::max();

std::int32_t random_value(RandomStream& random) {
  return static_cast<std::int32_t>(random() >> 32) >> random.index(31);
}

double real_of(const QuantizedMultiplier& m) { return std::ldexp(m.multiplier, m.shift - 31); }

TEST(QuantizedArithmetic, MultipliersAreNearTheirNumber) {
  EXPECT_EQ(quantize_multiplier(1), (QuantizedMultiplier{1 << 30, 1}));
  EXPECT_EQ(quantize_multiplier(0.5), (QuantizedMultiplier{1 << 30, 0}));
  EXPECT_EQ(quantize_multiplier(0), (QuantizedMultiplier{0, 0}));
  EXPECT_EQ(quantize_multiplier(std::ldexp(1.0, -40)), (QuantizedMultiplier{0, 0}));
  // Rounds up to a power of two.
  EXPECT_EQ(quantize_multiplier(1 - 1e-12), (QuantizedMultiplier{1 << 30, 1}));
  RandomStream random(1);
  for (int i = 0; i < 1000; ++i) {
    const double real =
        std::ldexp(random.uniform() + 1e-9, static_cast<int>(random.index(40)) - 20);
    EXPECT_NEAR(real_of(quantize_multiplier(real)) / real, 1, 1e-9);
  }
}

TEST(QuantizedArithmetic, HighMultiplicationRoundsHalvesUpwards) {
  EXPECT_EQ(doubling_high_multiply(kMin, kMin), kMax);
  EXPECT_EQ(doubling_high_multiply(1, 1 << 30), 1);    // 0.5
  EXPECT_EQ(doubling_high_multiply(-1, 1 << 30), 0);   // -0.5
  EXPECT_EQ(doubling_high_multiply(-3, 1 << 30), -1);  // -1.5
  RandomStream random(2);
  for (int i = 0; i < 10000; ++i) {
    const std::int32_t a = random_value(random);
    const std::int32_t b = random_value(random);
    const long double exact = static_cast<long double>(a) * b / 2147483648.0L;
    EXPECT_EQ(doubling_high_multiply(a, b), std::floor(exact + 0.5L)) << a << " " << b;
  }
}

TEST(QuantizedArithmetic, DivisionRoundsHalvesAwayFromZero) {
  RandomStream random(3);
  for (int i = 0; i < 10000; ++i) {
    const std::int32_t value = random_value(random);
    const int exponent = static_cast<int>(random.index(32));
    const double exact = std::ldexp(static_cast<double>(value), -exponent);
    EXPECT_EQ(rounding_divide_by_power_of_two(value, exponent), std::round(exact));
  }
}

TEST(QuantizedArithmetic, MultiplicationRoundsTwice) {
  EXPECT_EQ(multiply(123, quantize_multiplier(1)), 123);
  EXPECT_EQ(multiply(-123, quantize_multiplier(4)), -492);
  // 5 / 4 = 1.25, but 5 / 2 rounds to 3 first, and 3 / 2 to 2.
  EXPECT_EQ(multiply(5, quantize_multiplier(0.25)), 2);
}

TEST(QuantizedArithmetic, ActivationsLimitTheRange) {
  const Quantization q = {0.05F, -10};
  EXPECT_EQ(activation_range(Activation::kNone, q, DataType::kInt8), (ValueRange{-128, 127}));
  EXPECT_EQ(activation_range(Activation::kRelu, q, DataType::kInt8), (ValueRange{-10, 127}));
  EXPECT_EQ(activation_range(Activation::kRelu6, q, DataType::kInt8), (ValueRange{-10, 110}));
  EXPECT_EQ(activation_range(Activation::kReluN1To1, q, DataType::kInt8), (ValueRange{-30, 10}));
  EXPECT_EQ(activation_range(Activation::kRelu6, {0.01F, 0}, DataType::kInt8),
            (ValueRange{0, 127}));
}

TEST(QuantizedArithmetic, QuantizesFloats) {
  const ValueRange range = {-128, 127};
  EXPECT_EQ(quantize_value(0.5F, {0.25F, 3}, range), 5);
  EXPECT_EQ(quantize_value(0.125F, {0.25F, 0}, range), 1);
  EXPECT_EQ(quantize_value(-0.125F, {0.25F, 0}, range), -1);
  EXPECT_EQ(quantize_value(1e30F, {0.25F, 0}, range), 127);
  EXPECT_EQ(quantize_value(-std::numeric_limits<float>::infinity(), {0.25F, 0}, range), -128);
  EXPECT_EQ(quantize_value(std::nanf(""), {0.25F, 7}, range), 7);
}

TEST(QuantizedArithmetic, FunctionsAreNearTheirRealValues) {
  RandomStream random(4);
  for (int i = 0; i < 1000; ++i) {
    const double x = -32 * random.uniform();
    const auto q5 = static_cast<std::int32_t>(std::ldexp(x, 26));
    EXPECT_NEAR(std::ldexp(exp_of_negative(q5), -31), std::exp(x), 2e-7);
    const double y = 32 * random.uniform() - 16;
    const auto q4 = static_cast<std::int32_t>(std::ldexp(y, 27));
    EXPECT_NEAR(std::ldexp(logistic(q4), -31), 1 / (1 + std::exp(-y)), 2e-7);
    EXPECT_NEAR(std::ldexp(tanh(q4), -31), std::tanh(y), 4e-7);
    const double z = 1 + 4000 * random.uniform();
    const Reciprocal inverse = reciprocal(static_cast<std::int32_t>(std::ldexp(z, 19)));
    EXPECT_NEAR(std::ldexp(inverse.mantissa, -31 - inverse.exponent) * z, 1, 1e-5);
  }
  EXPECT_EQ(exp_of_negative(0), kMax);
  EXPECT_EQ(logistic(0), 1 << 30);
}

TEST(QuantizedArithmetic, LogarithmsAreNearTheirRealValues) {
  for (double x = 1; x < 4095; x *= 1.0137) {
    const auto q12 = static_cast<std::int32_t>(x * (1 << 19));
    const double exact = std::log(std::ldexp(q12, -19));
    EXPECT_NEAR(std::ldexp(log_of_at_least_one(q12), -26), exact, 1e-6) << x;
  }
}

TEST(QuantizedArithmetic, RadiusFitsItsBits) {
  EXPECT_EQ(input_radius(5, 26), 31);
  EXPECT_EQ(input_radius(4, 20), 15 * 128);
}

}  // namespace
}  // namespace mcunet::engine
