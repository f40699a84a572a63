#include "depthwise_rows.h"

// Any window, stride, dilation and depth multiplier, plainly: for the layers that no specialised
// kernel covers.

void mcunet_depthwise_conv2d(const int8_t* input, int8_t* output,
                             const struct mcunet_depthwise_any_layer* layer, const void* weights) {
  const struct mcunet_conv2d_layer* const window = &layer->window;
  const int32_t channel_bytes =
      mcunet_depthwise_channel_bytes(window->kernel_height * window->kernel_width);
  for (int32_t oy = 0; oy < window->output_height; ++oy) {
    const int32_t y = oy * window->stride_height - window->pad_top;
    for (int32_t ox = 0; ox < window->output_width; ++ox) {
      const int32_t x = ox * window->stride_width - window->pad_left;
      const int8_t* packed = (const int8_t*)weights;
      for (int32_t oc = 0; oc < window->output_channels; ++oc, packed += channel_bytes) {
        const struct mcunet_depthwise_channel* const channel =
            (const struct mcunet_depthwise_channel*)(const void*)packed;
        const int8_t* const plane = input + oc / layer->depth_multiplier;
        int32_t sum = channel->bias;
        int32_t row = y;
        for (int32_t ky = 0; ky < window->kernel_height; ++ky, row += layer->dilation_height) {
          if (row < 0 || row >= window->input_height) continue;
          int32_t column = x;
          for (int32_t kx = 0; kx < window->kernel_width; ++kx, column += layer->dilation_width) {
            if (column < 0 || column >= window->input_width) continue;
            const int32_t pixel = row * window->input_width + column;
            sum = mcunet_wrapping_add(
                sum, (plane[pixel * window->input_channels] - window->input_zero_point) *
                         channel->weights[ky * window->kernel_width + kx]);
          }
        }
        *output++ = (int8_t)mcunet_requantize_general(sum, channel->doubled, channel->shift,
                                                      &window->output);
      }
    }
  }
}
