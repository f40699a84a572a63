#include "mcunet/engine/arithmetic/quantized_arithmetic.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace mcunet::engine {
namespace {

constexpr std::int32_t kMax = std::numeric_limits<std::int32_t>::max();
constexpr std::int32_t kMin = std::numeric_limits<std::int32_t>::min();

std::int32_t saturate(std::int64_t value) {
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(value, kMin, kMax));
}

std::int32_t wrap(std::int64_t value) { return static_cast<std::int32_t>(value); }

std::int32_t saturating_shift_left(std::int32_t value, int bits) {
  return saturate(std::int64_t{value} * (std::int64_t{1} << bits));
}

// exp(x) of x in [-1/4, 0) in Q0.31: Taylor's series to the fourth power around -1/8.
std::int32_t exp_near_zero(std::int32_t a) {
  constexpr std::int32_t kExpOfMinusEighth = 1895147668;
  constexpr std::int32_t kOneThird = 715827883;
  const std::int32_t x = wrap(std::int64_t{a} + (1 << 28));
  const std::int32_t x2 = doubling_high_multiply(x, x);
  const std::int32_t x3 = doubling_high_multiply(x2, x);
  const std::int32_t x4 = doubling_high_multiply(x2, x2);
  const std::int32_t quarter_of_x4 = rounding_divide_by_power_of_two(x4, 2);
  const std::int32_t cubic_and_up =
      doubling_high_multiply(wrap(std::int64_t{quarter_of_x4} + x3), kOneThird);
  const std::int32_t square_and_up =
      rounding_divide_by_power_of_two(wrap(std::int64_t{cubic_and_up} + x2), 1);
  const std::int32_t series = wrap(std::int64_t{x} + square_and_up);
  return wrap(std::int64_t{kExpOfMinusEighth} + doubling_high_multiply(kExpOfMinusEighth, series));
}

// exp(-2^i) in Q0.31, i = -2 to 4.
constexpr std::array<std::int32_t, 7> kExpOfMinusPowers = {
    1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};

// exp(x) of x <= 0 with up to five integer bits: the part below 1/4 by the series, then a factor
// for each higher bit of -x.
std::int32_t exp_of_negative(std::int32_t x, int integer_bits) {
  if (x == 0) return kMax;
  const int fraction_bits = 31 - integer_bits;
  const std::int32_t quarter = 1 << (fraction_bits - 2);
  const std::int32_t below_quarter = (x & (quarter - 1)) - quarter;
  std::int32_t result = exp_near_zero(saturating_shift_left(below_quarter, integer_bits));
  const std::int32_t remainder = wrap(std::int64_t{below_quarter} - x);
  for (int i = 0; i < 7 && i - 2 < integer_bits; ++i) {
    if ((remainder & (1 << (fraction_bits - 2 + i))) != 0) {
      result = doubling_high_multiply(result, kExpOfMinusPowers[i]);
    }
  }
  return result;
}

constexpr std::int32_t kOne = 1 << 29;  // in Q2.29

// 2 / (1 + a) of a in [0, 1) in Q0.31, as Q2.29: three steps of Newton's method on half of the
// denominator, from the line 48/17 - 32/17 d.
std::int32_t two_over_one_plus(std::int32_t a) {
  constexpr std::int32_t k48Over17 = 1515870810;
  constexpr std::int32_t kMinus32Over17 = -1010580540;
  const auto half_denominator = static_cast<std::int32_t>((std::int64_t{a} + kMax + 1) / 2);
  std::int32_t x =
      wrap(std::int64_t{k48Over17} + doubling_high_multiply(half_denominator, kMinus32Over17));
  for (int i = 0; i < 3; ++i) {
    const std::int32_t error =
        wrap(std::int64_t{kOne} - doubling_high_multiply(half_denominator, x));
    x = wrap(std::int64_t{x} + saturating_shift_left(doubling_high_multiply(x, error), 2));
  }
  return x;
}

// 1 / (1 + a) of a in [0, 1), both in Q0.31.
std::int32_t one_over_one_plus(std::int32_t a) {
  return saturating_shift_left(two_over_one_plus(a), 1);
}

// (1 - a) / (1 + a) of a in [0, 1), both in Q0.31.
std::int32_t one_minus_over_one_plus(std::int32_t a) {
  return saturating_shift_left(two_over_one_plus(a) - kOne, 2);
}

// A number as 2^exponent * mantissa: the exponent in Q6.25, the mantissa in Q0.31 near 2^(-1/4).
struct Scaled {
  std::int32_t exponent;
  std::int32_t mantissa;
};

// Of x in Q12.19. There are two choices, x itself or x / sqrt(2) with its leading bit first: the
// smaller mantissa goes with the larger exponent.
Scaled near_fourth_root_of_half(std::int32_t x) {
  constexpr std::int32_t kRootOfHalf = 1518500250;
  constexpr std::int32_t kQuarter = 1 << 23;
  constexpr int kUnit = 1 << 25;
  const auto leading_zeros = [](std::int32_t value) {
    return std::countl_zero(static_cast<std::uint32_t>(value));
  };
  const int zeros = leading_zeros(x);
  const int headroom = leading_zeros(doubling_high_multiply(x, kRootOfHalf)) - 1;
  const std::int32_t halved = saturating_shift_left(
      doubling_high_multiply(saturating_shift_left(x, zeros - 1), kRootOfHalf), 1);
  return {std::max((12 - zeros) * kUnit + kQuarter, (12 - headroom) * kUnit - kQuarter),
          std::min(halved, saturating_shift_left(x, headroom))};
}

// log(x) of x in Q0.31 near 2^(-1/4), less the logarithm of that, as Q6.25: a rational function of
// the distance from there.
std::int32_t log_near_fourth_root_of_half(std::int32_t x) {
  constexpr std::int32_t kFourthRootOfHalf = 1805811301;
  constexpr std::int32_t kNumeratorSquare = 117049297;    // 11/240 * 2^(1/4)
  constexpr std::int32_t kDenominatorSquare = 127690142;  // 1/20 * 2^(1/4)
  constexpr std::int32_t kDenominatorOne = 1057819769;    // 2^(3/4) - 2^(1/4)
  constexpr std::int32_t kDenominatorLine = 638450708;    // 1/4 * 2^(1/4)
  const auto middle = static_cast<std::int32_t>((std::int64_t{x} + kFourthRootOfHalf + 1) / 2);
  const std::int32_t distance = wrap(2 * (std::int64_t{x} - kFourthRootOfHalf));
  const std::int32_t square = doubling_high_multiply(distance, distance);
  const std::int32_t numerator =
      wrap(std::int64_t{doubling_high_multiply(distance, x)} +
           doubling_high_multiply(doubling_high_multiply(distance, square), kNumeratorSquare));
  const std::int32_t factor = wrap(std::int64_t{kDenominatorOne} + distance +
                                   doubling_high_multiply(kDenominatorSquare, square));
  const std::int32_t denominator_minus_one =
      wrap(std::int64_t{doubling_high_multiply(middle, factor)} +
           doubling_high_multiply(kDenominatorLine, distance));
  return doubling_high_multiply(rounding_divide_by_power_of_two(numerator, 6),
                                one_over_one_plus(denominator_minus_one));
}

constexpr int kTableSize = 256;

// 65536 / (1 + exp(-i / 24)), rounded; some entries of TFLite's table are one more.
std::array<std::int32_t, kTableSize> logistic_table() {
  constexpr std::array<std::uint32_t, kTableSize / 32> kOneMore = {
      0xfa7bd110, 0xc0467bae, 0x20440005, 0x00110090, 0x00000080, 0, 0, 0x80000000};
  std::array<std::int32_t, kTableSize> table{};
  for (std::size_t i = 0; i < kTableSize; ++i) {
    const double value = 65536 / (1 + std::exp(-static_cast<double>(i) / 24));
    table[i] = static_cast<std::int32_t>(std::lround(value)) +
               static_cast<std::int32_t>(kOneMore[i / 32] >> (i % 32) & 1);
  }
  return table;
}

// 1 / (1 + exp(-x / 24)) of x >= 0 in units of 2^-fraction_bits, as Q0.(16 + fraction_bits); `last` where the
// table ends.
std::int32_t interpolated_logistic(std::int32_t x, int fraction_bits, std::int32_t last) {
  static const std::array<std::int32_t, kTableSize> table = logistic_table();
  const std::int32_t index = x >> fraction_bits;
  if (index >= kTableSize - 1) return last;
  const std::int32_t rest = x & ((1 << fraction_bits) - 1);
  return (table[index] << fraction_bits) + rest * (table[index + 1] - table[index]);
}

}  // namespace

QuantizedMultiplier quantize_multiplier(double real) {
  if (real == 0) return {};
  int shift = 0;
  auto multiplier = std::llround(std::frexp(real, &shift) * (std::int64_t{1} << 31));
  if (multiplier == std::int64_t{1} << 31) {
    multiplier /= 2;
    ++shift;
  }
  if (shift < -31) return {};
  return {static_cast<std::int32_t>(multiplier), shift};
}

std::int32_t doubling_high_multiply(std::int32_t a, std::int32_t b) {
  if (a == kMin && b == kMin) return kMax;
  const std::int64_t product = std::int64_t{a} * b;
  const std::int64_t nudge = product >= 0 ? 1 << 30 : 1 - (1 << 30);
  return static_cast<std::int32_t>((product + nudge) / (std::int64_t{1} << 31));
}

std::int32_t rounding_divide_by_power_of_two(std::int32_t value, int exponent) {
  const auto mask = static_cast<std::int32_t>((std::int64_t{1} << exponent) - 1);
  const std::int32_t remainder = value & mask;
  const std::int32_t threshold = (mask >> 1) + (value < 0 ? 1 : 0);
  return (value >> exponent) + (remainder > threshold ? 1 : 0);
}

std::int32_t multiply(std::int32_t value, const QuantizedMultiplier& multiplier) {
  const int left = std::clamp(multiplier.shift, 0, 31);
  const int right = std::clamp(-multiplier.shift, 0, 31);
  const std::int32_t shifted = wrap(std::int64_t{value} * (std::int64_t{1} << left));
  return rounding_divide_by_power_of_two(doubling_high_multiply(shifted, multiplier.multiplier),
                                         right);
}

ValueRange value_range(DataType type) {
  if (type == DataType::kUint8) return {0, 255};
  return type == DataType::kInt4 ? ValueRange{-8, 7} : ValueRange{-128, 127};
}

ValueRange activation_range(Activation activation, const Quantization& output, DataType type) {
  const ValueRange all = value_range(type);
  ValueRange range = all;
  const auto quantized = [&](float value) { return quantize_value(value, output, all); };
  if (activation == Activation::kRelu || activation == Activation::kRelu6) {
    range.min = quantized(0);
  }
  if (activation == Activation::kRelu6) range.max = quantized(6);
  if (activation == Activation::kReluN1To1) range = {quantized(-1), quantized(1)};
  return range;
}

std::int32_t quantize_value(float value, const Quantization& quantization,
                            const ValueRange& range) {
  const float scaled = std::round(value / quantization.scale);
  if (std::isnan(scaled)) return range.clamp(quantization.zero_point);
  // Far outside of any range, and far inside of what converts to an integer.
  constexpr float kFar = 1e6F;
  const auto rounded = static_cast<std::int32_t>(std::clamp(scaled, -kFar, kFar));
  return range.clamp(rounded + quantization.zero_point);
}

std::int32_t exp_of_negative(std::int32_t x) { return exp_of_negative(x, 5); }

std::int32_t logistic(std::int32_t x) {
  if (x == 0) return 1 << 30;
  const std::int32_t of_magnitude = one_over_one_plus(exp_of_negative(x > 0 ? -x : x, 4));
  return x > 0 ? of_magnitude : kMax - of_magnitude;
}

std::int32_t tanh(std::int32_t x) {
  if (x == 0) return 0;
  // The same bits with one more integer bit are twice the number.
  const std::int32_t of_magnitude = one_minus_over_one_plus(exp_of_negative(x > 0 ? -x : x, 5));
  return x > 0 ? of_magnitude : -of_magnitude;
}

// x * 24 in units of 2^-9 is 3 x / 2^12 * 2^12.
std::int16_t table_logistic(std::int16_t x) {
  const std::int32_t scaled = 3 * x;
  const std::int32_t value = interpolated_logistic(std::abs(scaled), 9, 0x7fff << 10);
  const std::int32_t half = 1 << 9;
  return static_cast<std::int16_t>((scaled >= 0 ? value + half : (1 << 25) - value + half - 1) >>
                                   10);
}

// 2 / (1 + exp(-2x)) - 1.
std::int16_t table_tanh(std::int16_t x, int exponent) {
  const int shift = -12 - exponent;
  const std::int32_t scaled = shift > 0 ? (3 * x + (1 << (shift - 1))) >> shift : x * (3 << -shift);
  const std::int32_t value = interpolated_logistic(std::abs(scaled), 8, 0xffff << 8);
  const std::int32_t half = 1 << 7;
  const std::int32_t from_middle = value - (1 << 23);
  return static_cast<std::int16_t>((scaled >= 0 ? from_middle + half : -from_middle + half - 1) >>
                                   8);
}

std::int32_t log_of_at_least_one(std::int32_t x) {
  constexpr std::int32_t kLogOfTwo = 1488522236;
  const Scaled scaled = near_fourth_root_of_half(x);
  const std::int32_t log = wrap(std::int64_t{doubling_high_multiply(scaled.exponent, kLogOfTwo)} +
                                log_near_fourth_root_of_half(scaled.mantissa));
  return saturating_shift_left(log, 1);
}

Reciprocal reciprocal(std::int32_t x) {
  constexpr int kIntegerBits = 12;
  const auto bits = static_cast<std::uint32_t>(x);
  const int headroom = std::countl_zero(bits);
  const auto above_one = static_cast<std::int32_t>((bits << headroom) - (std::uint32_t{1} << 31));
  return {one_over_one_plus(above_one), kIntegerBits - headroom};
}

// Five steps of Newton's method from 1, in Q3.28, of x times the power of four that brings it to 1/4 or more.
QuantizedMultiplier inverse_square_root(std::int32_t x) {
  constexpr std::int32_t kOneOfQ3 = 1 << 28;
  constexpr std::int32_t kHalfThree = kOneOfQ3 + kOneOfQ3 / 2;
  constexpr std::int32_t kRootOfHalf = 1518500250;
  if (x <= 1) return {kMax, 0};
  const int pairs = (std::countl_zero(static_cast<std::uint32_t>(x)) - 1) / 2 - 1;
  const std::int32_t half = rounding_divide_by_power_of_two((x << (2 * pairs)) >> 1, 1);
  std::int32_t root = kOneOfQ3;
  for (int i = 0; i < 5; ++i) {
    const std::int32_t cube =
        saturating_shift_left(doubling_high_multiply(doubling_high_multiply(root, root), root), 6);
    root = saturating_shift_left(
        doubling_high_multiply(kHalfThree, root) - doubling_high_multiply(half, cube), 3);
  }
  const std::int32_t mantissa = doubling_high_multiply(root, kRootOfHalf);
  const int shift = 11 - pairs;
  return shift < 0 ? QuantizedMultiplier{mantissa << -shift, 0}
                   : QuantizedMultiplier{mantissa, -shift};
}

std::int32_t input_radius(int integer_bits, int left_shift) {
  const double largest =
      ((1 << integer_bits) - 1) * std::ldexp(1.0, 31 - integer_bits - left_shift);
  return static_cast<std::int32_t>(std::floor(std::min<double>(largest, kMax)));
}

}  // namespace mcunet::engine
