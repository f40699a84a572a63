#ifndef MCUNET_KERNELS_DEPTHWISE_PASS_H_
#define MCUNET_KERNELS_DEPTHWISE_PASS_H_

#include "depthwise_rows.h"

// The state of one call of a specialised depthwise convolution. Internal to the kernels.
struct pass {
  const struct mcunet_depthwise_layer* layer;
  const struct mcunet_depthwise_kernel* kernel;
  uint32_t minus_zero_point;
  int32_t pitch;
  int32_t row_pairs;
  int32_t weight_pairs;  // of one channel
  int32_t plane;         // gathered values of one channel
  int32_t count;         // channels in this pass: 2, or 1 where there is no second one
  uint32_t* pairs;
  int16_t* rows;
  int8_t* lines[2];  // per channel, for outputs that do not go where they belong at once
  struct mcunet_depthwise_row row[2];
};

MCUNET_INLINE void fill_with_zeros(int16_t* values, int32_t count) {
  uint32_t* words = (uint32_t*)(void*)values;
  int32_t left = count / 2;
  for (; left >= 4; left -= 4, words += 4) {
    words[0] = words[1] = words[2] = words[3] = 0;
    __asm__("" : "+r"(words));  // keeps the compiler from calling a bytewise memset
  }
  for (; left > 0; --left) {
    *words++ = 0;
    __asm__("" : "+r"(words));
  }
}

#endif  // MCUNET_KERNELS_DEPTHWISE_PASS_H_
