#include "mcunet_kernels.h"

void mcunet_mean(const int8_t* input, int8_t* output, const struct mcunet_mean_layer* layer) {
  for (int32_t outer = 0; outer < layer->outer; ++outer) {
    for (int32_t inner = 0; inner < layer->inner; ++inner) {
      int32_t sum = 0;
      const int8_t* at = input + inner;
      for (int32_t i = 0; i < layer->reduced; ++i, at += layer->inner) sum += *at;
      sum -= layer->reduced * layer->input_zero_point;
      const int32_t mean =
          mcunet_rescale(sum, layer->multiplier, layer->shift) + layer->output.zero_point;
      *output++ = (int8_t)mcunet_clamp(mean, layer->output.min, layer->output.max);
    }
    input += layer->reduced * layer->inner;
  }
}
