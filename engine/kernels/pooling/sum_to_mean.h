#ifndef MCUNET_KERNELS_SUM_TO_MEAN_H_
#define MCUNET_KERNELS_SUM_TO_MEAN_H_

// From a sum of quantized values to their mean. Internal to the kernels.

#include "pooling.h"

// What mcunet_rescale does, in fewer instructions: of a multiplier from 2^30 on, twice that is 2^32 less, which the value
// itself makes up for.
struct mcunet_mean_scale {
  int32_t offset;  // of the sum
  int32_t doubled;
  int32_t value_mask;  // -1: the value is added
  int32_t shift;       // to the right
};

MCUNET_INLINE struct mcunet_mean_scale mcunet_mean_scale_of(const struct mcunet_mean_layer* layer) {
  return (struct mcunet_mean_scale){layer->reduced * layer->input_zero_point,
                                    (int32_t)((uint32_t)layer->multiplier << 1),
                                    layer->multiplier < 1 << 30 ? 0 : -1, layer->shift};
}

MCUNET_INLINE int32_t mcunet_rescaled_sum(int32_t raw_sum, const struct mcunet_mean_scale* scale,
                                          int32_t zero_point) {
  int32_t sum = raw_sum - scale->offset;
  if (scale->shift < 0) sum = (int32_t)((uint32_t)sum << -scale->shift);
  const int32_t rounded =
      mcunet_add_rounded_high_product(sum & scale->value_mask, sum, scale->doubled);
  if (scale->shift <= 0) return rounded + zero_point;
  return mcunet_add_rounded_shift(zero_point, rounded + (sum >> 31), scale->shift);
}

MCUNET_INLINE int8_t mcunet_mean_of(int32_t raw_sum, const struct mcunet_mean_scale* scale,
                                    const struct mcunet_mean_layer* layer) {
  const struct mcunet_output* const output = &layer->output;
  return (int8_t)mcunet_clamp(mcunet_rescaled_sum(raw_sum, scale, output->zero_point), output->min,
                              output->max);
}

#endif  // MCUNET_KERNELS_SUM_TO_MEAN_H_
