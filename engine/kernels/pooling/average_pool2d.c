#include "pooling.h"

void mcunet_average_pool2d(const int8_t* input, int8_t* output,
                           const struct mcunet_pool2d_layer* layer) {
  for (int32_t oy = 0; oy < layer->output_height; ++oy) {
    for (int32_t ox = 0; ox < layer->output_width; ++ox) {
      const struct mcunet_pool_extent in = mcunet_clip_pool(layer, oy, ox);
      const int32_t count = (in.last_row - in.first_row) * (in.last_column - in.first_column);
      const int32_t row_bytes = layer->input_width * layer->channels;
      const int8_t* const corner =
          input + in.first_row * row_bytes + in.first_column * layer->channels;
      const int32_t run_bytes = (in.last_column - in.first_column) * layer->channels;
      for (int32_t c = 0; c < layer->channels; ++c) {
        int32_t sum = 0;
        const int8_t* row = corner + c;
        for (int32_t y = in.first_row; y < in.last_row; ++y, row += row_bytes) {
          for (const int8_t* at = row; at < row + run_bytes; at += layer->channels) sum += *at;
        }
        // Halves away from zero.
        const int32_t mean = (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
        *output++ = (int8_t)mcunet_clamp(mean, layer->min, layer->max);
      }
    }
  }
}
