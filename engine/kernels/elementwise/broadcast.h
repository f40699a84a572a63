#ifndef MCUNET_KERNELS_BROADCAST_H_
#define MCUNET_KERNELS_BROADCAST_H_

// The loops of an elementwise operator whose operands repeat along some axes. Internal to the
// kernels.

#include "elementwise.h"

// `values` is null for operators that rescale nothing.
typedef int8_t mcunet_binary(int32_t a, int32_t b, const struct mcunet_elementwise_layer* values);

MCUNET_INLINE void mcunet_broadcast(const int8_t* a, const int8_t* b, int8_t* output,
                                    const int32_t sizes[3], const int32_t strides[2][3],
                                    const struct mcunet_elementwise_layer* values,
                                    mcunet_binary* compute) {
  const int32_t* const steps_a = strides[0];
  const int32_t* const steps_b = strides[1];
  for (int32_t y = 0; y < sizes[0]; ++y) {
    for (int32_t x = 0; x < sizes[1]; ++x) {
      const int8_t* from_a = a + y * steps_a[0] + x * steps_a[1];
      const int8_t* from_b = b + y * steps_b[0] + x * steps_b[1];
      for (int32_t c = 0; c < sizes[2]; ++c) {
        *output++ = compute(*from_a, *from_b, values);
        from_a += steps_a[2];
        from_b += steps_b[2];
      }
    }
  }
}

#endif  // MCUNET_KERNELS_BROADCAST_H_
