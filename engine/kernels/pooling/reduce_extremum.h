#ifndef MCUNET_KERNELS_REDUCE_EXTREMUM_H_
#define MCUNET_KERNELS_REDUCE_EXTREMUM_H_

// The loops of reductions to the largest or the smallest value. Internal to the kernels.

#include "mcunet_kernels.h"

// `sign` is 1 for the largest value, -1 for the smallest one.
MCUNET_INLINE void mcunet_reduce_extremum(const int8_t* input, int8_t* output,
                                          const struct mcunet_reduce_extremum_layer* layer,
                                          int32_t sign) {
  memset(output, sign > 0 ? -128 : 127, (size_t)layer->outputs);
  const int32_t channels = layer->sizes[2];
  for (int32_t y = 0; y < layer->sizes[0]; ++y) {
    for (int32_t x = 0; x < layer->sizes[1]; ++x) {
      int8_t* const to = output + y * layer->strides[0] + x * layer->strides[1];
      if (layer->strides[2] != 0) {
        for (int32_t c = 0; c < channels; ++c) {
          if (sign > 0 ? input[c] > to[c] : input[c] < to[c]) to[c] = input[c];
        }
      } else {
        int32_t most = *to;
        for (int32_t c = 0; c < channels; ++c) {
          if (sign > 0 ? input[c] > most : input[c] < most) most = input[c];
        }
        *to = (int8_t)most;
      }
      input += channels;
    }
  }
}

#endif  // MCUNET_KERNELS_REDUCE_EXTREMUM_H_
