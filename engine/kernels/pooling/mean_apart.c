#include "mcunet_kernels.h"

void mcunet_mean_apart(const int8_t* input, int8_t* output,
                       const struct mcunet_mean_apart_layer* layer) {
  const int32_t row_bytes = layer->columns * layer->channels;
  for (int32_t x = 0; x < layer->columns; ++x) {
    int32_t sum = 0;
    for (int32_t y = 0; y < layer->rows; ++y) {
      const int8_t* const pixel = input + y * row_bytes + x * layer->channels;
      for (int32_t c = 0; c < layer->channels; ++c) sum += pixel[c];
    }
    sum -= layer->rows * layer->channels * layer->input_zero_point;
    const int32_t mean =
        mcunet_rescale(sum, layer->multiplier, layer->shift) + layer->output.zero_point;
    output[x] = (int8_t)mcunet_clamp(mean, layer->output.min, layer->output.max);
  }
}
