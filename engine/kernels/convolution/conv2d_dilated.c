#include "matmul_columns.h"
#include "mcunet_kernels.h"

// im2col, one column at a time: every tap is looked up on its own.

static void gather_taps(const struct mcunet_conv2d_dilated_layer* layer, const int8_t* input,
                        int32_t y, int32_t x, int8_t* to) {
  const struct mcunet_conv2d_layer* const window = &layer->window;
  const int32_t channels = window->input_channels;
  int32_t row = y;
  for (int32_t ky = 0; ky < window->kernel_height; ++ky, row += layer->dilation_height) {
    int32_t column = x;
    for (int32_t kx = 0; kx < window->kernel_width; ++kx, column += layer->dilation_width) {
      if (row < 0 || row >= window->input_height || column < 0 || column >= window->input_width) {
        memset(to, window->input_zero_point, (size_t)channels);
      } else {
        memcpy(to, input + (row * window->input_width + column) * channels, (size_t)channels);
      }
      to += channels;
    }
  }
}

void mcunet_conv2d_dilated(const int8_t* input, int8_t* output,
                           const struct mcunet_conv2d_dilated_layer* layer, const void* weights,
                           void* scratch) {
  const struct mcunet_conv2d_layer* const window = &layer->window;
  const int32_t depth = window->kernel_height * window->kernel_width * window->input_channels;
  const int32_t padded_depth = mcunet_padded_depth(depth);
  const int32_t pairs = (window->output_channels + 1) / 2;
  const struct mcunet_matmul matmul = {
      .weights = weights,
      .weights_end = (const int8_t*)weights + pairs * mcunet_pair_bytes(padded_depth),
      .padded_depth = padded_depth,
      .column_stride = window->output_channels,
      .output = window->output,
  };
  uint32_t* const column = (uint32_t*)scratch;
  int8_t* const bytes = (int8_t*)(column + padded_depth / 2);
  // What no window fills; it meets zero weights.
  memset(bytes, 0, (size_t)padded_depth);
  for (int32_t oy = 0; oy < window->output_height; ++oy) {
    for (int32_t ox = 0; ox < window->output_width; ++ox) {
      gather_taps(layer, input, oy * window->stride_height - window->pad_top,
                  ox * window->stride_width - window->pad_left, bytes);
      mcunet_widen_column(column, 1, bytes, padded_depth);
      mcunet_matmul_one_column(column, output, &matmul);
      output += window->output_channels;
    }
  }
}
