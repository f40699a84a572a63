#include "nibble_pixels.h"

void mcunet_mean_a4a8(const int8_t* input, int8_t* output, const struct mcunet_mean_layer* layer) {
  const int32_t pixel_bytes = mcunet_nibble_pixel_bytes(layer->inner);
  for (int32_t c = 0; c < layer->inner; ++c) {
    const int8_t* at = input + c / 8 * 4 + c % 4;
    int32_t sum = -layer->reduced * layer->input_zero_point;
    for (int32_t left = layer->reduced; left > 0; --left, at += pixel_bytes) {
      sum += mcunet_nibble_of(*at, (c & 4) != 0);
    }
    const int32_t mean =
        mcunet_rescale(sum, layer->multiplier, layer->shift) + layer->output.zero_point;
    output[c] = (int8_t)mcunet_clamp(mean, layer->output.min, layer->output.max);
  }
}
