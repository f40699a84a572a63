#ifndef MCUNET_KERNELS_MATMUL_COLUMNS_S4_H_
#define MCUNET_KERNELS_MATMUL_COLUMNS_S4_H_

// matmul_columns.h for weights of four bits. Internal to the kernels.
//
// Nibbles lie where one AND with a constant makes a pair of int16 of them, as many instructions as
// bytes need: the multiples of 1, 16, 256 and 4096 that this gives are undone in the sums. For that,
// the odd pairs of a column, (x1, x3), are widened to 256 times their values; the even ones stay.
//
// Packed weights, by pairs of output channels (a, b); an odd last channel has a zero partner:
//
//   uint32 weights[padded_depth / 4]
//                            four values of both channels a word; nibbles, the lowest first:
//                            a1 + 8, b1 + 8, a0 + 8, b0, a3 + 8, b3 + 8, a2 + 8, b2
//   int32  bias[2]           with the input zero point folded in
//   the tail as in matmul_columns.h
//
// so that with x' = 256 x
//
//   256 * (sum of a x)  = sum of 256 (a + 8) x over even, (a + 8) x' over odd values, - 2048 sum of x
//   4096 * (sum of b x) = sum of 4096 b x over even, 16 (b + 8) x' over odd values, - 32768 sum of odd x
//
// The sums of x are taken once per column, for all channels. Where 256 or 4096 times a sum could
// leave 32 bits, which weights decide that add up to more than 65535 or 4095, the pair's mode is
// MCUNET_REQUANTIZE_EXACT, and its sums are formed again, plainly.
//
// A step of a weight is worth more than with eight bits, and more channels are shifted to the left, or
// not at all: a pair with such a channel and without bounds has MCUNET_REQUANTIZE_MIXED.

#include "matmul_columns.h"

enum {
  MCUNET_REQUANTIZE_EXACT = MCUNET_REQUANTIZE_GENERAL + 1,
  MCUNET_REQUANTIZE_MIXED,  // as linear, but that shifts may be to the left, or none
  MCUNET_PAIR_BIAS_BYTES = 8,
  // Of the absolute values of a channel's weights: 128 times as much, scaled, is below 2^31.
  MCUNET_MOST_WEIGHT_A = (1 << 16) - 1,
  MCUNET_MOST_WEIGHT_B = (1 << 12) - 1,
};

// Bytes of packed weights of a pair of output channels.
MCUNET_INLINE int32_t mcunet_pair_bytes_s4(int32_t padded_depth) {
  return padded_depth + MCUNET_PAIR_BIAS_BYTES + MCUNET_PAIR_TAIL_BYTES;
}

// As in matmul_columns.h.
void mcunet_matmul_four_columns_s4(const uint32_t* columns, int8_t* output,
                                   const struct mcunet_matmul* matmul);
void mcunet_matmul_one_column_s4(const uint32_t* column, int8_t* output,
                                 const struct mcunet_matmul* matmul);
static inline uint32_t* mcunet_widen_padding_s4(uint32_t* column, int32_t pitch, int32_t value,
                                                int32_t bytes) {
  const uint32_t even = mcunet_pack_low_low((uint32_t)value, (uint32_t)value);
  for (; bytes != 0; bytes -= 4, column += 2 * pitch) {
    column[0] = even;
    column[pitch] = (even << 8) & 0xff00ff00u;
  }
  return column;
}
static inline uint32_t* mcunet_widen_four_paddings_s4(uint32_t* columns, int32_t value,
                                                      int32_t bytes) {
  for (int32_t i = 0; i < MCUNET_COLUMNS; ++i) {
    mcunet_widen_padding_s4(columns + i, MCUNET_COLUMNS, value, bytes);
  }
  return columns + 2 * bytes;
}
uint32_t* mcunet_widen_column_s4(uint32_t* column, int32_t pitch, const int8_t* values,
                                 int32_t bytes);
uint32_t* mcunet_widen_four_columns_s4(uint32_t* columns, const int8_t* values, int32_t bytes,
                                       int32_t distance);

#endif  // MCUNET_KERNELS_MATMUL_COLUMNS_S4_H_
