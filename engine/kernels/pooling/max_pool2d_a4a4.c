#include "nibble_pool.h"

static int32_t most_of(const int8_t* first, const struct mcunet_pool_rows* extent, int high) {
  int32_t most = 0;
  for (int32_t rows = extent->rows; rows > 0; --rows, first += extent->row_bytes) {
    const int8_t* value = first;
    for (int32_t left = extent->pixels; left > 0; --left, value += extent->pixel_bytes) {
      const int32_t nibble = mcunet_nibble_of(*value, high);
      if (nibble > most) most = nibble;
    }
  }
  return most;
}

void mcunet_max_pool2d_a4a4(const int8_t* input, int8_t* output,
                            const struct mcunet_pool2d_layer* layer) {
  mcunet_pool_nibbles(input, output, layer, most_of);
}
