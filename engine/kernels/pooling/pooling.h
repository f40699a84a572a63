#ifndef MCUNET_KERNELS_POOLING_H_
#define MCUNET_KERNELS_POOLING_H_

// The part of a pooling window that lies in the input, and sums over it. Internal to the kernels.

#include "mcunet_kernels.h"

// What is pooled: rows of pixels.
struct mcunet_pool_rows {
  int32_t rows;
  int32_t row_bytes;  // from one row to the next
  int32_t pixels;
  int32_t pixel_bytes;  // from one pixel to the next
};

// The window of an output, of which the first byte of the first pixel is at `*corner`. Whole rows are one long row.
MCUNET_INLINE struct mcunet_pool_rows mcunet_clip_pool(const int8_t* input,
                                                       const struct mcunet_pool2d_layer* layer,
                                                       int32_t pixel_bytes, int32_t oy, int32_t ox,
                                                       const int8_t** corner) {
  const int32_t width = layer->input_width;
  const int32_t y = oy * layer->stride_height - layer->pad_top;
  const int32_t x = ox * layer->stride_width - layer->pad_left;
  const int32_t y_end = y + layer->kernel_height;
  const int32_t x_end = x + layer->kernel_width;
  const int32_t first_row = y < 0 ? 0 : y;
  const int32_t first_column = x < 0 ? 0 : x;
  const int32_t rows = (y_end < layer->input_height ? y_end : layer->input_height) - first_row;
  const int32_t columns = (x_end < width ? x_end : width) - first_column;
  *corner = input + (first_row * width + first_column) * pixel_bytes;
  if (columns == width) return (struct mcunet_pool_rows){1, 0, rows * columns, pixel_bytes};
  return (struct mcunet_pool_rows){rows, width * pixel_bytes, columns, pixel_bytes};
}

enum { kMcunetSummedAtOnce = MCUNET_DSP ? 8 : 1 };

// Adds a row of pixels to the sums of 8, 4 or 1 neighbouring channels, the first of `channels`; returns of how many.
int32_t mcunet_add_row(const int8_t* first, int32_t channels, int32_t pixels, int32_t pixel_bytes,
                       int32_t sums[kMcunetSummedAtOnce]);

#if MCUNET_DSP

enum { kMcunetPairsHold = 256 };  // values whose sum 16 bits hold

// Sums of four channels, as pairs of int16: of the channels 0 and 2, and of 1 and 3.
struct mcunet_pool_pairs {
  uint32_t even;
  uint32_t odd;
};

MCUNET_INLINE int32_t mcunet_pool_sum(const struct mcunet_pool_pairs* pairs, int channel) {
  const uint32_t pair = channel & 1 ? pairs->odd : pairs->even;
  return channel & 2 ? mcunet_high(pair) : mcunet_low(pair);
}

MCUNET_INLINE void mcunet_sum_four(const int8_t* first, const struct mcunet_pool_rows* extent,
                                   struct mcunet_pool_pairs* sums) {
  uint32_t even = 0, odd = 0;
  const int32_t bytes = extent->pixel_bytes;
  for (int32_t rows = extent->rows; rows > 0; --rows, first += extent->row_bytes) {
    const int8_t* pixel = first;
    for (int32_t left = extent->pixels; left > 0; --left, pixel += bytes) {
      const uint32_t word = mcunet_load_word(pixel);
      even = mcunet_widen_even_add(even, word);
      odd = mcunet_widen_odd_add(odd, word);
    }
  }
  *sums = (struct mcunet_pool_pairs){even, odd};
}

// The same of eight. Loads first: an extension needs its operand early.
MCUNET_INLINE void mcunet_sum_eight(const int8_t* first, const struct mcunet_pool_rows* extent,
                                    struct mcunet_pool_pairs sums[2]) {
  uint32_t even = 0, odd = 0, next_even = 0, next_odd = 0;
  const int32_t bytes = extent->pixel_bytes;
  for (int32_t rows = extent->rows; rows > 0; --rows, first += extent->row_bytes) {
    const int8_t* pixel = first;
    for (int32_t left = extent->pixels; left > 0; --left) {
      uint32_t a, b;
      __asm__ volatile(
          "ldr     %[a], [%[pixel]]                          \n"
          "ldr     %[b], [%[pixel], #4]                      \n"
          "add     %[pixel], %[pixel], %[bytes]              \n"
          "sxtab16 %[even], %[even], %[a]                    \n"
          "sxtab16 %[odd], %[odd], %[a], ror #8              \n"
          "sxtab16 %[next_even], %[next_even], %[b]          \n"
          "sxtab16 %[next_odd], %[next_odd], %[b], ror #8    \n"
          : [a] "=&r"(a), [b] "=&r"(b), [pixel] "+r"(pixel), [even] "+r"(even), [odd] "+r"(odd),
            [next_even] "+r"(next_even), [next_odd] "+r"(next_odd)
          : [bytes] "r"(bytes)
          : "memory");
    }
  }
  sums[0] = (struct mcunet_pool_pairs){even, odd};
  sums[1] = (struct mcunet_pool_pairs){next_even, next_odd};
}

#endif

#endif  // MCUNET_KERNELS_POOLING_H_
