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
  struct mcunet_depthwise_row row[2];
};

#endif  // MCUNET_KERNELS_DEPTHWISE_PASS_H_
