#include "pooling.h"

// What mcunet_rescale does, in fewer instructions if it shifts to the right: of a multiplier from 2^30 on, twice that is
// 2^32 less, which the value itself makes up for.
struct scale {
  int32_t doubled;
  int32_t value_mask;  // -1: the value is added
};

MCUNET_INLINE int32_t rescaled(int32_t sum, const struct mcunet_mean_layer* layer,
                               const struct scale* scale) {
  const int32_t zero_point = layer->output.zero_point;
  if (layer->shift <= 0) {
    return mcunet_rescale(sum, layer->multiplier, layer->shift) + zero_point;
  }
  const int32_t rounded =
      mcunet_add_rounded_high_product(sum & scale->value_mask, sum, scale->doubled) + (sum >> 31);
  return mcunet_add_rounded_shift(zero_point, rounded, layer->shift);
}

void mcunet_mean(const int8_t* input, int8_t* output, const struct mcunet_mean_layer* layer) {
  const struct mcunet_pool_rows extent = {1, 0, layer->reduced, layer->inner};
  const struct scale scale = {(int32_t)((uint32_t)layer->multiplier << 1),
                              layer->multiplier < 1 << 30 ? 0 : -1};
  for (int32_t outer = 0; outer < layer->outer; ++outer) {
    int32_t sums[kMcunetSummedAtOnce];
    int32_t summed = 1;
    for (int32_t inner = 0; inner < layer->inner; inner += summed) {
      const int32_t left = layer->inner - inner;
      if (left < 4) {
        sums[0] = mcunet_sum_channel(input + inner, &extent);
        summed = 1;
      } else {
        summed = mcunet_sum_channels(input + inner, left, &extent, sums);
      }
      for (int32_t i = 0; i < summed; ++i) {
        const int32_t sum = sums[i] - layer->reduced * layer->input_zero_point;
        const int32_t mean = rescaled(sum, layer, &scale);
        *output++ = (int8_t)mcunet_clamp(mean, layer->output.min, layer->output.max);
      }
    }
    input += layer->reduced * layer->inner;
  }
}
