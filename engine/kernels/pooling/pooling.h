#ifndef MCUNET_KERNELS_POOLING_H_
#define MCUNET_KERNELS_POOLING_H_

// The part of a pooling window that lies in the input, and sums over it. Internal to the kernels.

#include "mcunet_kernels.h"

struct mcunet_pool_extent {
  int32_t first_row;
  int32_t last_row;  // one past
  int32_t first_column;
  int32_t last_column;
};

MCUNET_INLINE struct mcunet_pool_extent mcunet_clip_pool(const struct mcunet_pool2d_layer* layer,
                                                         int32_t oy, int32_t ox) {
  const int32_t y = oy * layer->stride_height - layer->pad_top;
  const int32_t x = ox * layer->stride_width - layer->pad_left;
  const int32_t y_end = y + layer->kernel_height;
  const int32_t x_end = x + layer->kernel_width;
  return (struct mcunet_pool_extent){
      y < 0 ? 0 : y,
      y_end < layer->input_height ? y_end : layer->input_height,
      x < 0 ? 0 : x,
      x_end < layer->input_width ? x_end : layer->input_width,
  };
}

// What is summed up: rows of pixels.
struct mcunet_pool_rows {
  int32_t rows;
  int32_t row_bytes;  // from one row to the next
  int32_t pixels;
  int32_t pixel_bytes;  // from one pixel to the next
};

// Sums of up to four neighbouring channels, the first of `channels`; returns of how many.
int32_t mcunet_sum_channels(const int8_t* first, int32_t channels,
                            const struct mcunet_pool_rows* extent, int32_t sums[4]);

#endif  // MCUNET_KERNELS_POOLING_H_
