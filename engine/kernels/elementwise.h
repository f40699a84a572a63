#ifndef MCUNET_KERNELS_ELEMENTWISE_H_
#define MCUNET_KERNELS_ELEMENTWISE_H_

// The common part of addition and subtraction. Internal to the kernels.

#include "mcunet_kernels.h"

// a + sign * b: both are brought to a common scale with 20 bits of headroom, added and requantized.
MCUNET_INLINE void mcunet_add_rescaled(const int8_t* a, const int8_t* b, int8_t* output,
                                       const struct mcunet_elementwise_layer* layer, int32_t sign) {
  const struct mcunet_operand* const first = &layer->operands[0];
  const struct mcunet_operand* const second = &layer->operands[1];
  int32_t at = 0;  // in b, which repeats
  for (int32_t i = 0; i < layer->elements; ++i) {
    const int32_t x = (a[i] - first->zero_point) * (1 << 20);
    const int32_t y = (b[at] - second->zero_point) * (1 << 20);
    if (++at == layer->period) at = 0;
    const int32_t sum = mcunet_rescale(x, first->multiplier, first->shift) +
                        sign * mcunet_rescale(y, second->multiplier, second->shift);
    const int32_t value =
        mcunet_rescale(sum, layer->multiplier, layer->shift) + layer->output.zero_point;
    output[i] = (int8_t)mcunet_clamp(value, layer->output.min, layer->output.max);
  }
}

#endif  // MCUNET_KERNELS_ELEMENTWISE_H_
