#ifndef MCUNET_KERNELS_ELEMENTWISE_H_
#define MCUNET_KERNELS_ELEMENTWISE_H_

// What operators of two values share. Internal to the kernels.

#include "mcunet_kernels.h"

// a + sign * b of one value each: both are brought to a common scale with 20 bits of headroom,
// added and requantized.
MCUNET_INLINE int8_t mcunet_sum(int32_t a, int32_t b, const struct mcunet_elementwise_layer* layer,
                                int32_t sign) {
  const struct mcunet_operand* const first = &layer->operands[0];
  const struct mcunet_operand* const second = &layer->operands[1];
  const int32_t x = (a - first->zero_point) * (1 << 20);
  const int32_t y = (b - second->zero_point) * (1 << 20);
  const int32_t sum = mcunet_rescale(x, first->multiplier, first->shift) +
                      sign * mcunet_rescale(y, second->multiplier, second->shift);
  const int32_t value =
      mcunet_rescale(sum, layer->multiplier, layer->shift) + layer->output.zero_point;
  return (int8_t)mcunet_clamp(value, layer->output.min, layer->output.max);
}

MCUNET_INLINE int8_t mcunet_product(int32_t a, int32_t b,
                                    const struct mcunet_elementwise_layer* layer) {
  const int32_t product = (a - layer->operands[0].zero_point) * (b - layer->operands[1].zero_point);
  const int32_t value =
      mcunet_rescale(product, layer->multiplier, layer->shift) + layer->output.zero_point;
  return (int8_t)mcunet_clamp(value, layer->output.min, layer->output.max);
}

// The square of a - b, which are brought to a common scale with 7 bits of headroom.
MCUNET_INLINE int8_t mcunet_difference_squared(int32_t a, int32_t b,
                                               const struct mcunet_elementwise_layer* layer) {
  const struct mcunet_operand* const first = &layer->operands[0];
  const struct mcunet_operand* const second = &layer->operands[1];
  const int32_t x = (a - first->zero_point) * (1 << 7);
  const int32_t y = (b - second->zero_point) * (1 << 7);
  const int32_t difference = mcunet_rescale(x, first->multiplier, first->shift) -
                             mcunet_rescale(y, second->multiplier, second->shift);
  const int32_t rescaled = mcunet_rescale(difference * difference, layer->multiplier, layer->shift);
  return (int8_t)mcunet_clamp(mcunet_wrapping_add(rescaled, layer->output.zero_point),
                              layer->output.min, layer->output.max);
}

// a, or its product with the slope b where it is negative; each has a factor of its own.
MCUNET_INLINE int8_t mcunet_rectified(int32_t a, int32_t b,
                                      const struct mcunet_elementwise_layer* layer) {
  const struct mcunet_operand* const positive = &layer->operands[0];
  const int32_t value = a - positive->zero_point;
  const int32_t product = value * (b - layer->operands[1].zero_point);
  const int32_t rescaled = value >= 0 ? mcunet_rescale(value, positive->multiplier, positive->shift)
                                      : mcunet_rescale(product, layer->multiplier, layer->shift);
  return (int8_t)mcunet_clamp(mcunet_wrapping_add(rescaled, layer->output.zero_point),
                              layer->output.min, layer->output.max);
}

MCUNET_INLINE void mcunet_add_rescaled(const int8_t* a, const int8_t* b, int8_t* output,
                                       const struct mcunet_elementwise_layer* layer, int32_t sign) {
  int32_t at = 0;  // in b, which repeats
  for (int32_t i = 0; i < layer->elements; ++i) {
    output[i] = mcunet_sum(a[i], b[at], layer, sign);
    if (++at == layer->period) at = 0;
  }
}

#endif  // MCUNET_KERNELS_ELEMENTWISE_H_
