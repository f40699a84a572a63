#include "pooling.h"

// What mcunet_rescale does, in fewer instructions unless it shifts to the left: of a multiplier from 2^30 on, twice that is
// 2^32 less, which the value itself makes up for.
struct scale {
  int32_t offset;  // of the sum
  int32_t doubled;
  int32_t value_mask;  // -1: the value is added
  int32_t shift;
};

MCUNET_INLINE int8_t mean_of(int32_t raw_sum, const struct mcunet_mean_layer* layer,
                             const struct scale* scale) {
  const int32_t zero_point = layer->output.zero_point;
  const int32_t sum = raw_sum - scale->offset;
  const int32_t rounded =
      mcunet_add_rounded_high_product(sum & scale->value_mask, sum, scale->doubled);
  int32_t mean;
  if (scale->shift > 0) {
    mean = mcunet_add_rounded_shift(zero_point, rounded + (sum >> 31), scale->shift);
  } else if (scale->shift == 0) {
    mean = rounded + zero_point;
  } else {
    mean = mcunet_rescale(sum, layer->multiplier, scale->shift) + zero_point;
  }
  return (int8_t)mcunet_clamp(mean, layer->output.min, layer->output.max);
}

// Of values that follow each other.
static void average_rows(const int8_t* input, int8_t* output, const struct mcunet_mean_layer* layer,
                         const struct scale* scale) {
  int8_t* const end = output + layer->outer;
  while (output != end) {
    int32_t sum = 0;
    for (const int8_t* const next = input + layer->reduced; input != next;) sum += *input++;
    *output++ = mean_of(sum, layer, scale);
  }
}

void mcunet_mean(const int8_t* input, int8_t* output, const struct mcunet_mean_layer* layer) {
  const struct mcunet_pool_rows extent = {1, 0, layer->reduced, layer->inner};
  const struct scale scale = {layer->reduced * layer->input_zero_point,
                              (int32_t)((uint32_t)layer->multiplier << 1),
                              layer->multiplier < 1 << 30 ? 0 : -1, layer->shift};
  if (layer->inner == 1) {
    average_rows(input, output, layer, &scale);
    return;
  }
  for (int32_t outer = 0; outer < layer->outer; ++outer) {
    int32_t sums[kMcunetSummedAtOnce];
    int32_t summed;
    for (int32_t inner = 0; inner < layer->inner; inner += summed) {
      summed = mcunet_sum_channels(input + inner, layer->inner - inner, &extent, sums);
      for (int32_t i = 0; i < summed; ++i) *output++ = mean_of(sums[i], layer, &scale);
    }
    input += layer->reduced * layer->inner;
  }
}
