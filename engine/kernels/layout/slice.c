#include "mcunet_kernels.h"

void mcunet_slice(const int8_t* input, int8_t* output, const struct mcunet_slice_layer* layer) {
  const int32_t run = layer->sizes[2];
  const int32_t stride = layer->strides[2];
  input += layer->begin;
  for (int32_t y = 0; y < layer->sizes[0]; ++y) {
    for (int32_t x = 0; x < layer->sizes[1]; ++x) {
      const int8_t* at = input + y * layer->strides[0] + x * layer->strides[1];
      if (stride == 1) {
        memmove(output, at, (size_t)run);
        output += run;
      } else {
        for (int32_t i = 0; i < run; ++i, at += stride) *output++ = *at;
      }
    }
  }
}
