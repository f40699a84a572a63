#include "pooling.h"

static int32_t max_channel(const int8_t* first, const struct mcunet_pool_rows* extent) {
  int32_t most = -128;
  for (int32_t rows = extent->rows; rows > 0; --rows, first += extent->row_bytes) {
    const int8_t* const end = first + extent->pixels * extent->pixel_bytes;
    for (const int8_t* value = first; value < end; value += extent->pixel_bytes) {
      if (*value > most) most = *value;
    }
  }
  return most;
}

#if MCUNET_DSP

// Four values, or eight, not less than `least` each and not more than `limit`.
static void max_four_channels(const int8_t* first, const struct mcunet_pool_rows* extent,
                              uint32_t least, uint32_t limit, int8_t* output) {
  uint32_t most = least;
  for (int32_t rows = extent->rows; rows > 0; --rows, first += extent->row_bytes) {
    const int8_t* pixel = first;
    for (int32_t left = extent->pixels; left > 0; --left, pixel += extent->pixel_bytes) {
      most = mcunet_max_bytes(most, mcunet_load_word(pixel));
    }
  }
  mcunet_store_word(output, mcunet_min_bytes(most, limit));
}

static void max_eight_channels(const int8_t* first, const struct mcunet_pool_rows* extent,
                               uint32_t least, uint32_t limit, int8_t* output) {
  uint32_t most = least, next = least;
  for (int32_t rows = extent->rows; rows > 0; --rows, first += extent->row_bytes) {
    const int8_t* pixel = first;
    for (int32_t left = extent->pixels; left > 0; --left, pixel += extent->pixel_bytes) {
      const uint32_t a = mcunet_load_word(pixel);
      const uint32_t b = mcunet_load_word(pixel + 4);
      most = mcunet_max_bytes(most, a);
      next = mcunet_max_bytes(next, b);
    }
  }
  mcunet_store_word(output, mcunet_min_bytes(most, limit));
  mcunet_store_word(output + 4, mcunet_min_bytes(next, limit));
}

#endif

void mcunet_max_pool2d(const int8_t* input, int8_t* output,
                       const struct mcunet_pool2d_layer* layer) {
#if MCUNET_DSP
  const uint32_t least = 0x01010101u * (uint8_t)layer->min;
  const uint32_t limit = 0x01010101u * (uint8_t)layer->max;
#endif
  for (int32_t oy = 0; oy < layer->output_height; ++oy) {
    for (int32_t ox = 0; ox < layer->output_width; ++ox) {
      const int8_t* value;
      const struct mcunet_pool_rows extent =
          mcunet_clip_pool(input, layer, layer->channels, oy, ox, &value);
      const int8_t* const end = value + layer->channels;
#if MCUNET_DSP
      for (; end - value >= 8; value += 8, output += 8) {
        max_eight_channels(value, &extent, least, limit, output);
      }
      if (end - value >= 4) {
        max_four_channels(value, &extent, least, limit, output);
        value += 4;
        output += 4;
      }
#endif
      for (; value != end; ++value) {
        *output++ = (int8_t)mcunet_clamp(max_channel(value, &extent), layer->min, layer->max);
      }
    }
  }
}
