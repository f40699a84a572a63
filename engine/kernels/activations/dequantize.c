#include "mcunet_kernels.h"

void mcunet_dequantize(const int8_t* input, float* output,
                       const struct mcunet_conversion_layer* layer) {
  for (int32_t i = 0; i < layer->elements; ++i) {
    const int32_t value = layer->min < 0 ? input[i] : (uint8_t)input[i];
    const float real = layer->scale * (float)(value - layer->zero_point);
    memcpy(output + i, &real, sizeof real);
  }
}
