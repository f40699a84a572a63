#include "mcunet_kernels.h"

void mcunet_transpose(const int8_t* input, int8_t* output,
                      const struct mcunet_transpose_layer* layer) {
  for (int32_t y = 0; y < layer->sizes[0]; ++y) {
    for (int32_t x = 0; x < layer->sizes[1]; ++x) {
      const int8_t* at = input + y * layer->strides[0] + x * layer->strides[1];
      for (int32_t c = 0; c < layer->sizes[2]; ++c, at += layer->strides[2]) *output++ = *at;
    }
  }
}
