#include "mcunet_kernels.h"

void mcunet_copy_channels(const int8_t* input, int8_t* output,
                          const struct mcunet_copy_channels_layer* layer, const int8_t* table) {
  for (int32_t pixel = 0; pixel < layer->pixels; ++pixel) {
    if (table != NULL) {
      mcunet_lookup(input, output, layer->channels, table);
    } else {
      memcpy(output, input, (size_t)layer->channels);
    }
    input += layer->channels;
    output += layer->output_stride;
  }
}
