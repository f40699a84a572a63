#pragma once

#include <cstdint>

#include "mcunet/engine/graph/graph.hpp"

// The integer arithmetic of TFLite's int8 specification, with its rounding: a product by a real
// factor is a doubling high multiplication followed by a shift, and each of the two rounds. The
// kernels in firmware compute the same bits. All additions and left shifts wrap at 32 bits.
namespace mcunet::engine {

// The real number multiplier * 2^(shift - 31).
struct QuantizedMultiplier {
  std::int32_t multiplier = 0;  // 0, or of a magnitude of 2^30 to 2^31 - 1
  std::int32_t shift = 0;

  bool operator==(const QuantizedMultiplier&) const = default;
};

// The nearest QuantizedMultiplier of a finite number; those under 2^-32 become 0.
QuantizedMultiplier quantize_multiplier(double real);

// (2 a b) / 2^32, rounded to the nearest, halves upwards; -2^31 times itself saturates.
std::int32_t doubling_high_multiply(std::int32_t a, std::int32_t b);

// value / 2^exponent, rounded to the nearest, halves away from zero; exponent 0 to 31.
std::int32_t rounding_divide_by_power_of_two(std::int32_t value, int exponent);

// value * multiplier: shifted left, multiplied, then shifted right.
std::int32_t multiply(std::int32_t value, const QuantizedMultiplier& multiplier);

// Inclusive.
struct ValueRange {
  std::int32_t min = -128;
  std::int32_t max = 127;

  std::int32_t clamp(std::int32_t value) const {
    return value < min ? min : value > max ? max : value;
  }
  bool operator==(const ValueRange&) const = default;
};

// All values of int8, uint8 or int4.
ValueRange value_range(DataType type);

// Those that a fused activation leaves possible.
ValueRange activation_range(Activation activation, const Quantization& output, DataType type);

// round(value / scale) + zero_point in float arithmetic, halves away from zero, saturated to the
// range; a value that is no number becomes the zero point.
std::int32_t quantize_value(float value, const Quantization& quantization, const ValueRange& range);

// Fixed-point functions of 32 bits. Qm.n: m integer bits, n fraction bits, one sign bit.

// exp(x) of x <= 0 in Q5.26, as Q0.31.
std::int32_t exp_of_negative(std::int32_t x);

// 1 / (1 + exp(-x)) of x in Q4.27, as Q0.31.
std::int32_t logistic(std::int32_t x);

// The hyperbolic tangent of x in Q4.27, as Q0.31.
std::int32_t tanh(std::int32_t x);

// Of 16 bits, as LSTMs have them: values of a table of 1 / (1 + exp(-i / 24)), or what lies between two of them.

// 1 / (1 + exp(-x)) of x in Q3.12, as Q0.15.
std::int16_t table_logistic(std::int16_t x);

// The hyperbolic tangent of x * 2^exponent, as Q0.15. The exponent is at most kMostCellExponent.
std::int16_t table_tanh(std::int16_t x, int exponent);

// The natural logarithm of x >= 1 in Q12.19, as Q5.26.
std::int32_t log_of_at_least_one(std::int32_t x);

// 1 / x of x > 0 in Q12.19: mantissa in Q0.31, to be divided by 2^exponent.
struct Reciprocal {
  std::int32_t mantissa;
  std::int32_t exponent;
};
Reciprocal reciprocal(std::int32_t x);

// 1 / sqrt(x) of an integer x from 1 to 2^29.
QuantizedMultiplier inverse_square_root(std::int32_t x);

// The largest difference from zero that, multiplied by 2^left_shift, fits a number with
// `integer_bits` integer bits of 31 in total.
std::int32_t input_radius(int integer_bits, int left_shift);

}  // namespace mcunet::engine
