#include "sum_to_average.h"

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

static void write_four(const struct mcunet_pool_pairs* sums, const struct mcunet_divisor* by,
                       const struct bounds* bounds, int8_t* output) {
  const uint32_t raised = mcunet_raised_average(mcunet_pool_sum(sums, 0), by) |
                          mcunet_raised_average(mcunet_pool_sum(sums, 1), by) << 8 |
                          mcunet_raised_average(mcunet_pool_sum(sums, 2), by) << 16 |
                          mcunet_raised_average(mcunet_pool_sum(sums, 3), by) << 24;
  const uint32_t means = mcunet_max_bytes(raised ^ 0x80808080u, bounds->min);
  mcunet_store_word(output, mcunet_min_bytes(means, bounds->max));
}

// Channels in fours, of a window whose sums 16 bits hold; returns how many.
static int32_t average_fours(const int8_t* corner, int32_t channels,
                             const struct mcunet_pool_rows* extent, const struct mcunet_divisor* by,
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
  struct mcunet_divisor by = {0, 0, 0};
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
      if (count != by.count) by = mcunet_divide_by(count);
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
          output[c++] =
              (int8_t)mcunet_clamp(mcunet_average_of(sums[i], &by), layer->min, layer->max);
        }
      }
    }
  }
}
