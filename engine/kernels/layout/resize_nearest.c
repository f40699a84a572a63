#include "mcunet_kernels.h"

void mcunet_resize_nearest(const int8_t* input, int8_t* output,
                           const struct mcunet_resize_nearest_layer* layer, const uint16_t* rows,
                           const uint16_t* columns) {
  for (int32_t y = 0; y < layer->output_height; ++y) {
    const int8_t* const row = input + rows[y] * layer->input_width * layer->channels;
    for (int32_t x = 0; x < layer->output_width; ++x) {
      memcpy(output, row + columns[x] * layer->channels, (size_t)layer->channels);
      output += layer->channels;
    }
  }
}
