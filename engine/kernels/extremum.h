#ifndef MCUNET_KERNELS_EXTREMUM_H_
#define MCUNET_KERNELS_EXTREMUM_H_

// What the larger and the smaller of two values share. Internal to the kernels.

#include "mcunet_kernels.h"

// With `sign` 1 the larger, with -1 the smaller of each two values.
MCUNET_INLINE void mcunet_extremum(const int8_t* a, const int8_t* b, int8_t* output,
                                   const struct mcunet_extremum_layer* layer, int32_t sign) {
  const int32_t* const steps_a = layer->strides[0];
  const int32_t* const steps_b = layer->strides[1];
  for (int32_t y = 0; y < layer->sizes[0]; ++y) {
    for (int32_t x = 0; x < layer->sizes[1]; ++x) {
      const int8_t* from_a = a + y * steps_a[0] + x * steps_a[1];
      const int8_t* from_b = b + y * steps_b[0] + x * steps_b[1];
      for (int32_t c = 0; c < layer->sizes[2]; ++c) {
        const int32_t first = *from_a;
        const int32_t second = *from_b;
        *output++ = (int8_t)(sign * (first - second) > 0 ? first : second);
        from_a += steps_a[2];
        from_b += steps_b[2];
      }
    }
  }
}

#endif  // MCUNET_KERNELS_EXTREMUM_H_
