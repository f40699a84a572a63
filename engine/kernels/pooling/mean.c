#include "pooling.h"

// What mcunet_rescale does, in fewer instructions: of a multiplier from 2^30 on, twice that is 2^32 less, which the value
// itself makes up for.
struct scale {
  int32_t offset;  // of the sum
  int32_t doubled;
  int32_t value_mask;  // -1: the value is added
  int32_t shift;       // to the right
};

MCUNET_INLINE int32_t mean_of(int32_t raw_sum, const struct scale* scale, int32_t zero_point) {
  int32_t sum = raw_sum - scale->offset;
  if (scale->shift < 0) sum = (int32_t)((uint32_t)sum << -scale->shift);
  const int32_t rounded =
      mcunet_add_rounded_high_product(sum & scale->value_mask, sum, scale->doubled);
  if (scale->shift <= 0) return rounded + zero_point;
  return mcunet_add_rounded_shift(zero_point, rounded + (sum >> 31), scale->shift);
}

void mcunet_mean(const int8_t* input, int8_t* output, const struct mcunet_mean_layer* layer) {
  const struct scale scale = {layer->reduced * layer->input_zero_point,
                              (int32_t)((uint32_t)layer->multiplier << 1),
                              layer->multiplier < 1 << 30 ? 0 : -1, layer->shift};
  const int8_t* const end = output + layer->outer * layer->inner;
  int32_t inner = 0;
  while (output != end) {
    int32_t sums[kMcunetSummedAtOnce] = {0};
    int32_t summed = 1;
    if (layer->inner == 1) {  // values that follow each other
      for (const int8_t* const next = input + layer->reduced; input != next;) sums[0] += *input++;
    } else {
      summed =
          mcunet_add_row(input + inner, layer->inner - inner, layer->reduced, layer->inner, sums);
      inner += summed;
      if (inner == layer->inner) {
        inner = 0;
        input += layer->reduced * layer->inner;
      }
    }
    for (int32_t i = 0; i < summed; ++i) {
      const int32_t mean = mean_of(sums[i], &scale, layer->output.zero_point);
      *output++ = (int8_t)mcunet_clamp(mean, layer->output.min, layer->output.max);
    }
  }
}
