#ifndef MCUNET_KERNELS_FIXED_POINT_H_
#define MCUNET_KERNELS_FIXED_POINT_H_

// The fixed-point functions of softmax and its logarithm. A value with n integer bits is an int32 in
// units of 2^(n - 31); the product of two of them has the sum of their integer bits. Internal to the
// kernels.

#include "dsp.h"

// Of functions that a kernel calls from several places: one copy, which may be left out.
#define MCUNET_FIXED_POINT_FUNCTION static __attribute__((noinline, unused))

MCUNET_INLINE int32_t mcunet_fixed_product(int32_t a, int32_t b) {
  return (int32_t)(((int64_t)a * b + (INT64_C(1) << 30)) >> 31);
}

// value / 2^shift, halves away from zero.
MCUNET_INLINE int32_t mcunet_fixed_shift_right(int32_t value, int32_t shift) {
  return (int32_t)(((int64_t)value + (INT64_C(1) << (shift - 1)) - (value < 0)) >> shift);
}

MCUNET_INLINE int32_t mcunet_fixed_shift_left(int32_t value, int32_t shift) {
  if (value > INT32_MAX >> shift) return INT32_MAX;
  if (value < INT32_MIN >> shift) return INT32_MIN;
  return value * (1 << shift);
}

MCUNET_INLINE int32_t mcunet_leading_zeros(int32_t value) { return __builtin_clz((uint32_t)value); }

// e^x for x in [-1/4, 0), no integer bits: Taylor's series of degree 4 around -1/8.
MCUNET_INLINE int32_t mcunet_fixed_exp_of_small(int32_t a) {
  const int32_t exp_of_minus_eighth = 1895147668;
  const int32_t third = 715827883;
  const int32_t x = a + (1 << 28);
  const int32_t x2 = mcunet_fixed_product(x, x);
  const int32_t x3 = mcunet_fixed_product(x2, x);
  const int32_t x4 = mcunet_fixed_product(x2, x2);
  const int32_t cubic = mcunet_fixed_product(mcunet_fixed_shift_right(x4, 2) + x3, third);
  const int32_t tail = mcunet_fixed_shift_right(cubic + x2, 1);
  return exp_of_minus_eighth + mcunet_fixed_product(exp_of_minus_eighth, x + tail);
}

// e^a for a <= 0 with 5 integer bits; the result has none. The multiples of a quarter are factors
// e^-(2^i / 4).
MCUNET_FIXED_POINT_FUNCTION int32_t mcunet_fixed_exp_of_negative(int32_t a) {
  static const int32_t kFactors[] = {1672461947, 1302514674, 790015084, 290630308,
                                     39332535,   720401,     242};
  const int32_t quarter = 1 << 24;
  if (a == 0) return INT32_MAX;
  const int32_t small = (a & (quarter - 1)) - quarter;
  int32_t result = mcunet_fixed_exp_of_small(small * (1 << 5));
  const uint32_t quarters = (uint32_t)(small - a) >> 24;
  for (int32_t i = 0; i < 7; ++i) {
    if (quarters & (1u << i)) result = mcunet_fixed_product(result, kFactors[i]);
  }
  return result;
}

// 1 / (1 + a) for a in [0, 1), no integer bits: three steps of Newton's method with 2 integer bits.
static inline int32_t mcunet_fixed_reciprocal_of_one_plus(int32_t a) {
  const int32_t forty_eight_seventeenths = 1515870810;
  const int32_t minus_thirty_two_seventeenths = -1010580540;
  const int32_t half_denominator = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
  int32_t x = forty_eight_seventeenths +
              mcunet_fixed_product(half_denominator, minus_thirty_two_seventeenths);
  for (int i = 0; i < 3; ++i) {
    const int32_t error = (1 << 29) - mcunet_fixed_product(half_denominator, x);
    x += mcunet_fixed_shift_left(mcunet_fixed_product(x, error), 2);
  }
  return mcunet_fixed_shift_left(x, 1);
}

#endif  // MCUNET_KERNELS_FIXED_POINT_H_
