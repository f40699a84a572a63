#include "mcunet_kernels.h"

void mcunet_pad_channels(const int8_t* input, int8_t* output,
                         const struct mcunet_pad_channels_layer* layer) {
  const struct mcunet_pad_layer* const border = &layer->border;
  const int32_t channels = layer->before + border->channels + layer->after;
  const int32_t width = border->left + border->input_width + border->right;
  const int32_t height = border->top + border->input_height + border->bottom;
  memset(output, border->value, (size_t)(height * width * channels));
  for (int32_t y = 0; y < border->input_height; ++y) {
    int8_t* to = output + ((border->top + y) * width + border->left) * channels + layer->before;
    for (int32_t x = 0; x < border->input_width; ++x) {
      memcpy(to, input, (size_t)border->channels);
      input += border->channels;
      to += channels;
    }
  }
}
