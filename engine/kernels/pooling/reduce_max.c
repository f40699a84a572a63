#include "mcunet_kernels.h"

void mcunet_reduce_max(const int8_t* input, int8_t* output,
                       const struct mcunet_reduce_max_layer* layer) {
  memset(output, -128, (size_t)layer->outputs);
  const int32_t channels = layer->sizes[2];
  for (int32_t y = 0; y < layer->sizes[0]; ++y) {
    for (int32_t x = 0; x < layer->sizes[1]; ++x) {
      int8_t* const to = output + y * layer->strides[0] + x * layer->strides[1];
      if (layer->strides[2] != 0) {
        for (int32_t c = 0; c < channels; ++c) {
          if (input[c] > to[c]) to[c] = input[c];
        }
      } else {
        int32_t most = *to;
        for (int32_t c = 0; c < channels; ++c) {
          if (input[c] > most) most = input[c];
        }
        *to = (int8_t)most;
      }
      input += channels;
    }
  }
}
