#include "mcunet_kernels.h"

// Fixed-point softmax. A value with n integer bits is an int32 in units of 2^(n - 31); the product
// of two of them has the sum of their integer bits.

static int32_t product(int32_t a, int32_t b) {
  return (int32_t)(((int64_t)a * b + (INT64_C(1) << 30)) >> 31);
}

// value / 2^shift, halves away from zero.
static int32_t shift_right(int32_t value, int32_t shift) {
  return (int32_t)(((int64_t)value + (INT64_C(1) << (shift - 1)) - (value < 0)) >> shift);
}

static int32_t shift_left_saturated(int32_t value, int32_t shift) {
  if (value > INT32_MAX >> shift) return INT32_MAX;
  if (value < INT32_MIN >> shift) return INT32_MIN;
  return value * (1 << shift);
}

// e^x for x in [-1/4, 0), no integer bits: Taylor's series of degree 4 around -1/8.
static int32_t exp_of_small(int32_t a) {
  const int32_t exp_of_minus_eighth = 1895147668;
  const int32_t third = 715827883;
  const int32_t x = a + (1 << 28);
  const int32_t x2 = product(x, x);
  const int32_t x3 = product(x2, x);
  const int32_t x4 = product(x2, x2);
  const int32_t tail = shift_right(product(shift_right(x4, 2) + x3, third) + x2, 1);
  return exp_of_minus_eighth + product(exp_of_minus_eighth, x + tail);
}

// e^a for a <= 0 with 5 integer bits; the result has none. The multiples of a quarter are factors
// e^-(2^i / 4).
static int32_t exp_of_negative(int32_t a) {
  static const int32_t kFactors[] = {1672461947, 1302514674, 790015084, 290630308,
                                     39332535,   720401,     242};
  const int32_t quarter = 1 << 24;
  if (a == 0) return INT32_MAX;
  const int32_t small = (a & (quarter - 1)) - quarter;
  int32_t result = exp_of_small(small * (1 << 5));
  const uint32_t quarters = (uint32_t)(small - a) >> 24;
  for (int32_t i = 0; i < 7; ++i) {
    if (quarters & (1u << i)) result = product(result, kFactors[i]);
  }
  return result;
}

// 1 / (1 + a) for a in [0, 1), no integer bits: three steps of Newton's method with 2 integer bits.
static int32_t reciprocal_of_one_plus(int32_t a) {
  const int32_t forty_eight_seventeenths = 1515870810;
  const int32_t minus_thirty_two_seventeenths = -1010580540;
  const int32_t half_denominator = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
  int32_t x = forty_eight_seventeenths + product(half_denominator, minus_thirty_two_seventeenths);
  for (int i = 0; i < 3; ++i) {
    const int32_t error = (1 << 29) - product(half_denominator, x);
    x += shift_left_saturated(product(x, error), 2);
  }
  return shift_left_saturated(x, 1);
}

static int32_t leading_zeros(uint32_t value) { return __builtin_clz(value); }

void mcunet_softmax(const int8_t* input, int8_t* output, const struct mcunet_softmax_layer* layer) {
  for (int32_t row = 0; row < layer->rows; ++row) {
    int32_t most = -128;
    for (int32_t c = 0; c < layer->depth; ++c) {
      if (input[c] > most) most = input[c];
    }
    int32_t sum = 0;  // 12 integer bits
    for (int32_t c = 0; c < layer->depth; ++c) {
      const int32_t difference = input[c] - most;
      if (difference < layer->min_difference) continue;
      const int32_t scaled = product(difference * (1 << layer->left_shift), layer->multiplier);
      sum += shift_right(exp_of_negative(scaled), 12);
    }
    const int32_t zeros = leading_zeros((uint32_t)sum);
    const int32_t scale =
        reciprocal_of_one_plus((int32_t)(((uint32_t)sum << zeros) - (UINT32_C(1) << 31)));
    const int32_t shift = 12 - zeros + 31 - 8;
    for (int32_t c = 0; c < layer->depth; ++c) {
      const int32_t difference = input[c] - most;
      int32_t value = -128;
      if (difference >= layer->min_difference) {
        const int32_t scaled = product(difference * (1 << layer->left_shift), layer->multiplier);
        value += shift_right(product(scale, exp_of_negative(scaled)), shift);
      }
      output[c] = (int8_t)mcunet_clamp(value, -128, 127);
    }
    input += layer->depth;
    output += layer->depth;
  }
}
