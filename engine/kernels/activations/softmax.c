#include "fixed_point.h"
#include "mcunet_kernels.h"

void mcunet_softmax(const int8_t* input, int8_t* output, const struct mcunet_softmax_layer* layer) {
  for (int32_t row = 0; row < layer->rows; ++row) {
    int32_t most = -128;
    for (int32_t c = 0; c < layer->depth; ++c) {
      if (input[c] > most) most = input[c];
    }
    int32_t sum = 0;  // 12 integer bits
    for (int32_t c = 0; c < layer->depth; ++c) {
      const int32_t difference = input[c] - most;
      if (difference < layer->min_difference) continue;
      const int32_t scaled =
          mcunet_fixed_product(difference * (1 << layer->left_shift), layer->multiplier);
      sum += mcunet_fixed_shift_right(mcunet_fixed_exp_of_negative(scaled), 12);
    }
    const int32_t zeros = mcunet_leading_zeros(sum);
    const int32_t scale = mcunet_fixed_reciprocal_of_one_plus(
        (int32_t)(((uint32_t)sum << zeros) - (UINT32_C(1) << 31)));
    const int32_t shift = 12 - zeros + 31 - 8;
    for (int32_t c = 0; c < layer->depth; ++c) {
      const int32_t difference = input[c] - most;
      int32_t value = -128;
      if (difference >= layer->min_difference) {
        const int32_t scaled =
            mcunet_fixed_product(difference * (1 << layer->left_shift), layer->multiplier);
        value += mcunet_fixed_shift_right(
            mcunet_fixed_product(scale, mcunet_fixed_exp_of_negative(scaled)), shift);
      }
      output[c] = (int8_t)mcunet_clamp(value, -128, 127);
    }
    input += layer->depth;
    output += layer->depth;
  }
}
