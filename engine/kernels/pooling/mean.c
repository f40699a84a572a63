#include "pooling.h"

void mcunet_mean(const int8_t* input, int8_t* output, const struct mcunet_mean_layer* layer) {
  const struct mcunet_pool_rows extent = {1, 0, layer->reduced, layer->inner};
  for (int32_t outer = 0; outer < layer->outer; ++outer) {
    int32_t sums[4];
    int32_t summed;
    for (int32_t inner = 0; inner < layer->inner; inner += summed) {
      summed = mcunet_sum_channels(input + inner, layer->inner - inner, &extent, sums);
      for (int32_t i = 0; i < summed; ++i) {
        const int32_t sum = sums[i] - layer->reduced * layer->input_zero_point;
        const int32_t mean =
            mcunet_rescale(sum, layer->multiplier, layer->shift) + layer->output.zero_point;
        *output++ = (int8_t)mcunet_clamp(mean, layer->output.min, layer->output.max);
      }
    }
    input += layer->reduced * layer->inner;
  }
}
