#include "series.h"

// No product is added to anything, which a compiler could fuse.
static int8_t level_of(float sum, float zero, float step) {
  const float level = (sum - zero) / step;
  if (!(level > -128.0F)) return -128;  // nor is what is no number
  if (level >= 127.0F) return 127;
  return (int8_t)((int32_t)(level + 128.5F) - 128);
}

#define DEFINE(name, type)                                                                \
  void name(const type* values, int8_t* input, const struct mcunet_series_layer* layer) { \
    const int32_t channels = layer->channels;                                             \
    for (int32_t sample = 0; sample < layer->samples; ++sample) {                         \
      for (int32_t c = 0; c < channels; ++c) {                                            \
        float sum = 0.0F;                                                                 \
        for (int32_t row = 0; row < layer->averaged; ++row)                               \
          sum += (float)values[row * channels + c];                                       \
        *input++ = level_of(sum, layer->zeros[c], layer->steps[c]);                       \
      }                                                                                   \
      values += layer->averaged * channels;                                               \
    }                                                                                     \
  }

DEFINE(mcunet_series_to_input, float)
DEFINE(mcunet_series_counts_to_input, int16_t)
