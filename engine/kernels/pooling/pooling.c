#include "pooling.h"

#if MCUNET_DSP

static void add_pairs(const struct mcunet_pool_pairs* pairs, int32_t* sums) {
  for (int32_t i = 0; i < 4; ++i) sums[i] += mcunet_pool_sum(pairs, i);
}

// As many of 8, 4 or no channels as there are.
static int32_t add_words(const int8_t* first, int32_t channels, int32_t pixels, int32_t pixel_bytes,
                         int32_t* sums) {
  struct mcunet_pool_pairs pairs[2];
  struct mcunet_pool_rows part = {1, 0, kMcunetPairsHold, pixel_bytes};
  for (; channels >= 4 && pixels > 0; pixels -= part.pixels) {
    if (pixels < part.pixels) part.pixels = pixels;
    if (channels >= 8) {
      mcunet_sum_eight(first, &part, pairs);
      add_pairs(&pairs[1], sums + 4);
    } else {
      mcunet_sum_four(first, &part, pairs);
    }
    add_pairs(&pairs[0], sums);
    first += part.pixels * pixel_bytes;
  }
  return channels >= 8 ? 8 : channels & 4;
}

#endif

int32_t mcunet_add_row(const int8_t* first, int32_t channels, int32_t pixels, int32_t pixel_bytes,
                       int32_t sums[kMcunetSummedAtOnce]) {
#if MCUNET_DSP
  const int32_t added = add_words(first, channels, pixels, pixel_bytes, sums);
  if (added > 0) return added;
#else
  (void)channels;
#endif
  int32_t sum = sums[0];
  for (; pixels > 0; --pixels, first += pixel_bytes) sum += *first;
  sums[0] = sum;
  return 1;
}
