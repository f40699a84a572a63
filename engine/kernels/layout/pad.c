#include "mcunet_kernels.h"

static int8_t* fill(int8_t* to, int32_t value, int32_t count) {
  memset(to, value, (size_t)count);
  return to + count;
}

void mcunet_pad(const int8_t* input, int8_t* output, const struct mcunet_pad_layer* layer) {
  const int32_t row_bytes = layer->input_width * layer->channels;
  const int32_t left = layer->left * layer->channels;
  const int32_t right = layer->right * layer->channels;
  const int32_t output_row_bytes = left + row_bytes + right;
  output = fill(output, layer->value, layer->top * output_row_bytes);
  for (int32_t y = 0; y < layer->input_height; ++y) {
    output = fill(output, layer->value, left);
    memcpy(output, input, (size_t)row_bytes);
    output = fill(output + row_bytes, layer->value, right);
    input += row_bytes;
  }
  fill(output, layer->value, layer->bottom * output_row_bytes);
}
