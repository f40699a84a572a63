#include "pooling.h"

static int32_t sum_channel(const int8_t* first, const struct mcunet_pool_rows* extent) {
  int32_t sum = 0;
  for (int32_t rows = extent->rows; rows > 0; --rows, first += extent->row_bytes) {
    const int8_t* value = first;
    for (int32_t left = extent->pixels; left > 0; --left, value += extent->pixel_bytes) {
      sum += *value;
    }
  }
  return sum;
}

#if MCUNET_DSP

// Four channels, in pairs of int16: of the channels 0 and 2, and of 1 and 3.
struct pairs {
  uint32_t even;
  uint32_t odd;
};

static const int8_t* add_pixels(struct pairs* pairs, const int8_t* pixel, int32_t pixels,
                                int32_t pixel_bytes) {
  uint32_t even = pairs->even;
  uint32_t odd = pairs->odd;
  if (pixels & 1) {
    const uint32_t word = mcunet_load_word(pixel);
    even = mcunet_widen_even_add(even, word);
    odd = mcunet_widen_odd_add(odd, word);
    pixel += pixel_bytes;
  }
  // Loads first: an extension needs its operand early.
  for (int32_t two = pixels >> 1; two > 0; --two) {
    uint32_t a, b;
    __asm__ volatile(
        "ldr     %[a], [%[pixel]]            \n"
        "ldr     %[b], [%[pixel], %[bytes]]  \n"
        "add     %[pixel], %[pixel], %[two]  \n"
        "sxtab16 %[even], %[even], %[a]          \n"
        "sxtab16 %[odd], %[odd], %[a], ror #8    \n"
        "sxtab16 %[even], %[even], %[b]          \n"
        "sxtab16 %[odd], %[odd], %[b], ror #8    \n"
        : [a] "=&r"(a), [b] "=&r"(b), [pixel] "+r"(pixel), [even] "+r"(even), [odd] "+r"(odd)
        : [bytes] "r"(pixel_bytes), [two] "r"(2 * pixel_bytes)
        : "memory");
  }
  *pairs = (struct pairs){even, odd};
  return pixel;
}

static void move_to_sums(struct pairs* pairs, int32_t* sums) {
  sums[0] += mcunet_low(pairs->even);
  sums[1] += mcunet_low(pairs->odd);
  sums[2] += mcunet_high(pairs->even);
  sums[3] += mcunet_high(pairs->odd);
  *pairs = (struct pairs){0, 0};
}

static void sum_four_channels(const int8_t* first, const struct mcunet_pool_rows* extent,
                              int32_t* sums) {
  enum { kMost = 256 };  // values whose sum 16 bits hold
  struct pairs pairs = {0, 0};
  int32_t room = kMost;
  for (int32_t i = 0; i < 4; ++i) sums[i] = 0;
  for (int32_t rows = extent->rows; rows > 0; --rows, first += extent->row_bytes) {
    const int8_t* pixel = first;
    for (int32_t left = extent->pixels; left > 0;) {
      const int32_t pixels = left < room ? left : room;
      pixel = add_pixels(&pairs, pixel, pixels, extent->pixel_bytes);
      left -= pixels;
      room -= pixels;
      if (room == 0) {
        move_to_sums(&pairs, sums);
        room = kMost;
      }
    }
  }
  move_to_sums(&pairs, sums);
}

int32_t mcunet_sum_channels(const int8_t* first, int32_t channels,
                            const struct mcunet_pool_rows* extent, int32_t sums[4]) {
  if (channels >= 4) {
    sum_four_channels(first, extent, sums);
    return 4;
  }
  sums[0] = sum_channel(first, extent);
  return 1;
}

#else

int32_t mcunet_sum_channels(const int8_t* first, int32_t channels,
                            const struct mcunet_pool_rows* extent, int32_t sums[4]) {
  (void)channels;
  sums[0] = sum_channel(first, extent);
  return 1;
}

#endif
