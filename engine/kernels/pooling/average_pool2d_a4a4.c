#include "nibble_pool.h"

// Halves away from zero.
static int32_t mean_of(const int8_t* first, const struct mcunet_pool_rows* extent, int high) {
  const int32_t count = extent->rows * extent->pixels;
  int32_t sum = -8 * count;
  for (int32_t rows = extent->rows; rows > 0; --rows, first += extent->row_bytes) {
    const int8_t* value = first;
    for (int32_t left = extent->pixels; left > 0; --left, value += extent->pixel_bytes) {
      sum += mcunet_nibble_of(*value, high);
    }
  }
  return (sum > 0 ? sum + count / 2 : sum - count / 2) / count + 8;
}

void mcunet_average_pool2d_a4a4(const int8_t* input, int8_t* output,
                                const struct mcunet_pool2d_layer* layer) {
  mcunet_pool_nibbles(input, output, layer, mean_of);
}
