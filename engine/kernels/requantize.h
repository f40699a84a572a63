#ifndef MCUNET_KERNELS_REQUANTIZE_H_
#define MCUNET_KERNELS_REQUANTIZE_H_

// From an int32 accumulator to an int8 activation, exactly as TFLite's int8 kernels compute it: two
// roundings, first of the product with a 31-bit fixed-point multiplier (halves up), then of the
// division by a power of two (halves away from zero).
//
// The scale of a channel is multiplier / 2^31 / 2^shift with multiplier in [2^30, 2^31). Packed
// weights store 2 * multiplier - 2^32, as `doubled`, because then
//
//     round(sum * multiplier / 2^31) = sum + round(sum * doubled / 2^32)
//
// is one SMMLAR instruction. Three ways to finish, chosen per channel (pair) when weights are
// packed:
//
//   MCUNET_REQUANTIZE_RELU     bounds are [-128, 127] and the zero point is -128: negative values
//                              are clamped anyway, so rounding halves up does. 4 instructions.
//   MCUNET_REQUANTIZE_LINEAR   bounds are [-128, 127]. 5 instructions.
//   MCUNET_REQUANTIZE_GENERAL  any bounds, multiplier and shift, left shifts included.
//
// The first two need 1 <= shift <= 31. All three are exact for every int32: with 2 * multiplier below
// 2^32 the 64 bits of SMMLAR hold sum * 2 * multiplier of any sum, and a right shift leaves room for
// the rest. Sums of products and biases wrap at 32 bits, as in TFLite's kernels, so a dead channel
// with a bias near 2^31 is a channel like any other.

#include "dsp.h"

enum { MCUNET_REQUANTIZE_RELU, MCUNET_REQUANTIZE_LINEAR, MCUNET_REQUANTIZE_GENERAL };

// The quantized range of an output.
struct mcunet_output {
  int32_t zero_point;
  int32_t min;  // the fused activation, as quantized bounds
  int32_t max;
};

MCUNET_INLINE int32_t mcunet_clamp(int32_t value, int32_t min, int32_t max) {
  return value < min ? min : value > max ? max : value;
}

// round(value * multiplier / 2^31 / 2^shift) with both roundings; a negative shift is a left shift.
MCUNET_INLINE int32_t mcunet_rescale(int32_t value, int32_t multiplier, int32_t shift) {
  if (shift < 0) {
    value = (int32_t)((uint32_t)value << -shift);
    shift = 0;
  }
  const int64_t product = (int64_t)value * multiplier;
  const int32_t rounded = (int32_t)((product + (INT64_C(1) << 30)) >> 31);
  if (shift == 0) return rounded;
  const int32_t remainder = rounded & (int32_t)((1u << shift) - 1);
  const int32_t threshold = (int32_t)((1u << shift) - 1) / 2 + (rounded < 0);
  return (rounded >> shift) + (remainder > threshold);
}

// The same in 4 instructions, for shift in 1 … 31.
MCUNET_INLINE int32_t mcunet_rescale_down(int32_t value, int32_t doubled, int32_t shift) {
  const int32_t rounded = mcunet_add_rounded_high_product(value, value, doubled);
  // Halves away from zero: a negative value is rounded as if it were one less. The sign of `value`
  // serves even where `rounded` is zero, since -1 rounds to zero too.
  return mcunet_add_rounded_shift(0, rounded + (value >> 31), shift);
}

MCUNET_INLINE int32_t mcunet_requantize_relu(int32_t sum, int32_t doubled, int32_t shift,
                                             int32_t zero_point) {
  const int32_t rounded = mcunet_add_rounded_high_product(sum, sum, doubled);
  return mcunet_saturate_int8(mcunet_add_rounded_shift(zero_point, rounded, shift));
}

MCUNET_INLINE int32_t mcunet_requantize_linear(int32_t sum, int32_t doubled, int32_t shift,
                                               int32_t zero_point) {
  const int32_t rounded = mcunet_add_rounded_high_product(sum, sum, doubled) + (sum >> 31);
  return mcunet_saturate_int8(mcunet_add_rounded_shift(zero_point, rounded, shift));
}

MCUNET_INLINE int32_t mcunet_requantize_general(int32_t sum, int32_t doubled, int32_t shift,
                                                const struct mcunet_output* output) {
  const int32_t multiplier = (int32_t)((uint32_t)doubled >> 1);
  const int32_t rescaled = mcunet_rescale(sum, multiplier, shift);
  return mcunet_clamp(mcunet_wrapping_add(rescaled, output->zero_point), output->min, output->max);
}

// `count` sums of one channel, `distance` bytes from one output to the next: the same as the general way,
// without deciding for each which way it takes.
MCUNET_INLINE void mcunet_requantize_sums(const int32_t* sums, int32_t count, int32_t doubled,
                                          int32_t shift, const struct mcunet_output* output,
                                          int8_t* to, int32_t distance) {
  const int32_t* const end = sums + count;
  const int32_t zero_point = output->zero_point;
  if (output->min != -128 || output->max != 127 || doubled >= 0) {
    for (; sums != end; to += distance) {
      *to = (int8_t)mcunet_requantize_general(*sums++, doubled, shift, output);
    }
  } else if (shift > 0) {
    for (; sums != end; to += distance) {
      *to = (int8_t)mcunet_requantize_linear(*sums++, doubled, shift, zero_point);
    }
  } else {  // a factor of 1/2 or above
    for (; sums != end; to += distance) {
      const int32_t value = (int32_t)((uint32_t)*sums++ << -shift);
      const int32_t rescaled = mcunet_add_rounded_high_product(value, value, doubled);
      *to = (int8_t)mcunet_saturate_int8(mcunet_wrapping_add(rescaled, zero_point));
    }
  }
}

#endif  // MCUNET_KERNELS_REQUANTIZE_H_
