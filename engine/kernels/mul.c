#include "mcunet_kernels.h"

void mcunet_mul(const int8_t* a, const int8_t* b, int8_t* output,
                const struct mcunet_elementwise_layer* layer) {
  int32_t at = 0;  // in b, which repeats
  for (int32_t i = 0; i < layer->elements; ++i) {
    const int32_t product =
        (a[i] - layer->operands[0].zero_point) * (b[at] - layer->operands[1].zero_point);
    if (++at == layer->period) at = 0;
    const int32_t value =
        mcunet_rescale(product, layer->multiplier, layer->shift) + layer->output.zero_point;
    output[i] = (int8_t)mcunet_clamp(value, layer->output.min, layer->output.max);
  }
}
