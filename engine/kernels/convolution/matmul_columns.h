#ifndef MCUNET_KERNELS_MATMUL_COLUMNS_H_
#define MCUNET_KERNELS_MATMUL_COLUMNS_H_

// The inner product that every convolution and fully connected layer here comes down to: packed
// weights times a few columns of widened activations. Internal to the kernels.
//
// A column is the receptive field of one output position: `depth` int8 values, zero-filled to
// padded_depth (a multiple of 4, at least 8) and widened to pairs of int16. Four values x0 … x3
// become the pairs (x0, x2) and (x1, x3), which is what SXTB16 makes of a word. Columns stand
// alone, or four together with their pairs interleaved: pair 0 of columns 0, 1, 2, 3, pair 1 of
// columns 0, 1, 2, 3, …
//
// Packed weights, by pairs of output channels (a, b); an odd last channel has a zero partner:
//
//   int32  bias[2]           with the input zero point folded in
//   int8   weights[2 * padded_depth]
//                            four bytes per pair of values: a0 b0 a2 b2, a1 b1 a3 b3, …
//   int32  doubled[2]        multipliers, see requantize.h
//   int8   shift[2]
//   uint8  mode              MCUNET_REQUANTIZE_…
//   uint8  channels          of this pair that exist: 2 or 1
//
// One weight word and SXTB16 with and without rotation give one pair for each of the two channels;
// two channels by four columns take 13 instructions per 16 multiply-accumulates, 33 per 32 where two are
// issued at a time, and 14 registers.
// Columns and weights are 4-byte aligned. Nothing is read outside of them: where a weight word is
// loaded ahead, the last one is the pair's `doubled`.

#include <stdint.h>

#include "requantize.h"
#include "scratch.h"

enum {
  MCUNET_PAIR_HEAD_BYTES = 8,   // bias
  MCUNET_PAIR_TAIL_BYTES = 12,  // from doubled on
  MCUNET_COLUMNS = 4,
};

struct mcunet_matmul {
  const void* weights;
  const void* weights_end;
  int32_t padded_depth;
  int32_t column_stride;  // bytes from one column's output to the next one's
  struct mcunet_output output;
};

// What follows the weights of a pair.
struct mcunet_pair_tail {
  int32_t doubled[2];
  int8_t shift[2];
  uint8_t mode;
  uint8_t channels;
};

// Requantizes a pair of channels the general way: sums[channel][column].
void mcunet_requantize_pair(const int32_t* sums, const struct mcunet_pair_tail* tail,
                            int8_t* output, int32_t columns, const struct mcunet_matmul* matmul);

// Bytes of packed weights of a pair of output channels.
MCUNET_INLINE int32_t mcunet_pair_bytes(int32_t padded_depth) {
  return MCUNET_PAIR_HEAD_BYTES + 2 * padded_depth + MCUNET_PAIR_TAIL_BYTES;
}

// All output channels of four columns (interleaved) or of one.
void mcunet_matmul_four_columns(const uint32_t* columns, int8_t* output,
                                const struct mcunet_matmul* matmul);
void mcunet_matmul_one_column(const uint32_t* column, int8_t* output,
                              const struct mcunet_matmul* matmul);

// `bytes` values (a multiple of 4) that are alike in one column, as its pairs, `pitch` words apart, or in each of
// four. Return where the columns go on.
static inline uint32_t* mcunet_widen_padding(uint32_t* column, int32_t pitch, int32_t value,
                                             int32_t bytes) {
  const uint32_t pair = mcunet_pack_low_low((uint32_t)value, (uint32_t)value);
  for (; bytes != 0; bytes -= 2, column += pitch) *column = pair;
  return column;
}
static inline uint32_t* mcunet_widen_four_paddings(uint32_t* columns, int32_t value,
                                                   int32_t bytes) {
  return mcunet_widen_padding(columns, 1, value, MCUNET_COLUMNS * bytes);
}

// Widens `bytes` values (a multiple of 4) of one column; its pairs are `pitch` words apart. Returns
// where the column goes on.
uint32_t* mcunet_widen_column(uint32_t* column, int32_t pitch, const int8_t* values, int32_t bytes);

// Widens `bytes` values (a multiple of 4, not 0) of each of four columns, `distance` bytes apart in
// memory, and interleaves them. Returns where the columns go on.
uint32_t* mcunet_widen_four_columns(uint32_t* columns, const int8_t* values, int32_t bytes,
                                    int32_t distance);

#endif  // MCUNET_KERNELS_MATMUL_COLUMNS_H_
