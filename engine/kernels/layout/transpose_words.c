#include "mcunet_kernels.h"

void mcunet_transpose_words(const int8_t* input, int8_t* output,
                            const struct mcunet_transpose_layer* layer) {
  for (int32_t y = 0; y < layer->sizes[0]; ++y) {
    for (int32_t x = 0; x < layer->sizes[1]; ++x) {
      const int8_t* at = input + 4 * (y * layer->strides[0] + x * layer->strides[1]);
      for (int32_t c = 0; c < layer->sizes[2]; ++c, at += 4 * layer->strides[2], output += 4) {
        mcunet_store_word(output, mcunet_load_word(at));
      }
    }
  }
}
