#include "pooling.h"

void mcunet_average_pool2d(const int8_t* input, int8_t* output,
                           const struct mcunet_pool2d_layer* layer) {
  const int32_t channels = layer->channels;
  for (int32_t oy = 0; oy < layer->output_height; ++oy) {
    for (int32_t ox = 0; ox < layer->output_width; ++ox) {
      const struct mcunet_pool_extent in = mcunet_clip_pool(layer, oy, ox);
      const int32_t corner = in.first_row * layer->input_width + in.first_column;
      struct mcunet_pool_rows extent = {in.last_row - in.first_row, layer->input_width * channels,
                                        in.last_column - in.first_column, channels};
      const int32_t count = extent.rows * extent.pixels;
      if (extent.pixels == layer->input_width) {  // whole rows are one long row
        extent.rows = 1;
        extent.pixels = count;
      }
      int32_t sums[4];
      int32_t summed;
      for (int32_t c = 0; c < channels; c += summed) {
        summed = mcunet_sum_channels(input + corner * channels + c, channels - c, &extent, sums);
        for (int32_t i = 0; i < summed; ++i) {
          // Halves away from zero.
          const int32_t mean = (sums[i] > 0 ? sums[i] + count / 2 : sums[i] - count / 2) / count;
          *output++ = (int8_t)mcunet_clamp(mean, layer->min, layer->max);
        }
      }
    }
  }
}
