#include "pooling.h"

// Sums of `count` values are divided with halves away from zero: twice a sum and the count by twice the count, rounded
// down; one is taken off first where the sum is negative, which makes a difference to halves alone. 128 is added to every value
// so that nothing is negative.
struct divisor {
  int32_t count;
  uint32_t offset;   // 2 * 128 * count + count
  uint32_t inverse;  // 2^32 / (2 * count), rounded up
};

enum { kLargestDivisor = 2049 };  // up to here 511 * count times the inverse's error is below 2^32

static struct divisor divide_by(int32_t count) {
  return (struct divisor){count, 257 * (uint32_t)count, 0xffffffffu / (2 * (uint32_t)count) + 1};
}

// 128 more than the mean.
MCUNET_INLINE uint32_t raised_mean(int32_t sum, const struct divisor* by) {
  const uint32_t twice = by->offset + ((uint32_t)sum << 1) + (uint32_t)(sum >> 31);
  return (uint32_t)(((uint64_t)twice * by->inverse) >> 32);
}

static int32_t mean_of(int32_t sum, const struct divisor* by) {
  if (by->count <= kLargestDivisor) return (int32_t)raised_mean(sum, by) - 128;
  return (sum > 0 ? sum + by->count / 2 : sum - by->count / 2) / by->count;
}

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

// Bounds in each byte.
struct bounds {
  uint32_t min;
  uint32_t max;
};

static void write_four(const struct mcunet_pool_pairs* sums, const struct divisor* by,
                       const struct bounds* bounds, int8_t* output) {
  const uint32_t raised = raised_mean(mcunet_pool_sum(sums, 0), by) |
                          raised_mean(mcunet_pool_sum(sums, 1), by) << 8 |
                          raised_mean(mcunet_pool_sum(sums, 2), by) << 16 |
                          raised_mean(mcunet_pool_sum(sums, 3), by) << 24;
  const uint32_t means = mcunet_max_bytes(raised ^ 0x80808080u, bounds->min);
  mcunet_store_word(output, mcunet_min_bytes(means, bounds->max));
}

// Channels in fours, of a window whose sums 16 bits hold; returns how many.
static int32_t average_fours(const int8_t* corner, int32_t channels,
                             const struct mcunet_pool_rows* extent, const struct divisor* by,
                             const struct bounds* bounds, int8_t* output) {
  struct mcunet_pool_pairs sums[2];
  int32_t c = 0;
  for (; c <= channels - 8; c += 8) {
    mcunet_sum_eight(corner + c, extent, sums);
    for (int32_t i = 0; i < 2; ++i) write_four(&sums[i], by, bounds, output + c + 4 * i);
  }
  for (; c <= channels - 4; c += 4) {
    mcunet_sum_four(corner + c, extent, sums);
    write_four(sums, by, bounds, output + c);
  }
  return c;
}

#endif

void mcunet_average_pool2d(const int8_t* input, int8_t* output,
                           const struct mcunet_pool2d_layer* layer) {
  const int32_t channels = layer->channels;
  struct divisor by = {0, 0, 0};
#if MCUNET_DSP
  const struct bounds bounds = {0x01010101u * (uint8_t)layer->min,
                                0x01010101u * (uint8_t)layer->max};
#endif
  for (int32_t oy = 0; oy < layer->output_height; ++oy) {
    for (int32_t ox = 0; ox < layer->output_width; ++ox, output += channels) {
      const int8_t* corner;
      const struct mcunet_pool_rows extent =
          mcunet_clip_pool(input, layer, layer->channels, oy, ox, &corner);
      const int32_t count = extent.rows * extent.pixels;
      if (count != by.count) by = divide_by(count);
      int32_t c = 0;
#if MCUNET_DSP
      if (count <= kMcunetPairsHold) {
        c = average_fours(corner, channels, &extent, &by, &bounds, output);
      }
#endif
      while (c < channels) {
        int32_t sums[kMcunetSummedAtOnce] = {0};
        int32_t summed = 1;
        if (!MCUNET_DSP || channels - c < 4) {
          sums[0] = sum_channel(corner + c, &extent);
        } else {
          for (int32_t row = 0; row < extent.rows; ++row) {
            summed = mcunet_add_row(corner + row * extent.row_bytes + c, channels - c,
                                    extent.pixels, channels, sums);
          }
        }
        for (int32_t i = 0; i < summed; ++i) {
          output[c++] = (int8_t)mcunet_clamp(mean_of(sums[i], &by), layer->min, layer->max);
        }
      }
    }
  }
}
