#include "pooling.h"

#if MCUNET_DSP

static void add_pairs(const struct mcunet_pool_pairs* pairs, int32_t* sums) {
  for (int32_t i = 0; i < 4; ++i) sums[i] += mcunet_pool_sum(pairs, i);
}

static void add_channels(const int8_t* first, const struct mcunet_pool_rows* extent, int32_t summed,
                         int32_t* sums) {
  struct mcunet_pool_pairs pairs[2];
  if (summed == 8) {
    mcunet_sum_eight(first, extent, pairs);
    add_pairs(&pairs[1], sums + 4);
  } else {
    mcunet_sum_four(first, extent, pairs);
  }
  add_pairs(&pairs[0], sums);
}

int32_t mcunet_sum_channels(const int8_t* first, int32_t channels,
                            const struct mcunet_pool_rows* extent,
                            int32_t sums[kMcunetSummedAtOnce]) {
  if (channels < 4) {
    sums[0] = mcunet_sum_channel(first, extent);
    return 1;
  }
  const int32_t summed = channels < 8 ? 4 : 8;
  for (int32_t i = 0; i < summed; ++i) sums[i] = 0;
  if (extent->rows * extent->pixels <= kMcunetPairsHold) {
    add_channels(first, extent, summed, sums);
    return summed;
  }
  for (int32_t row = 0; row < extent->rows; ++row) {
    const int8_t* pixel = first + row * extent->row_bytes;
    struct mcunet_pool_rows part = {1, 0, kMcunetPairsHold, extent->pixel_bytes};
    for (int32_t left = extent->pixels; left > 0; left -= part.pixels) {
      if (left < part.pixels) part.pixels = left;
      add_channels(pixel, &part, summed, sums);
      pixel += part.pixels * part.pixel_bytes;
    }
  }
  return summed;
}

#else

int32_t mcunet_sum_channels(const int8_t* first, int32_t channels,
                            const struct mcunet_pool_rows* extent,
                            int32_t sums[kMcunetSummedAtOnce]) {
  (void)channels;
  sums[0] = mcunet_sum_channel(first, extent);
  return 1;
}

#endif
