#include "mcunet_kernels.h"

// Weights are 10 bits a side, 20 together; the sum is rounded with halves away from zero.

MCUNET_INLINE int8_t rounded(int32_t sum) {
  return (int8_t)((sum + (1 << 19) - (int32_t)((uint32_t)sum >> 31)) >> 20);
}

void mcunet_resize_bilinear(const int8_t* input, int8_t* output,
                            const struct mcunet_resize_bilinear_layer* layer,
                            const struct mcunet_interpolation* rows,
                            const struct mcunet_interpolation* columns) {
  const int32_t channels = layer->channels;
  const int32_t row_bytes = layer->input_width * channels;
  for (int32_t y = 0; y < layer->output_height; ++y) {
    const int8_t* const upper = input + rows[y].first * row_bytes;
    const int8_t* const lower = input + rows[y].second * row_bytes;
    const int32_t down = rows[y].weight;
    for (int32_t x = 0; x < layer->output_width; ++x) {
      const int32_t left = columns[x].first * channels;
      const int32_t right = columns[x].second * channels;
      const int32_t along = columns[x].weight;
      const int32_t weights[4] = {(1024 - down) * (1024 - along), (1024 - down) * along,
                                  down * (1024 - along), down * along};
      for (int32_t c = 0; c < channels; ++c) {
        *output++ = rounded(upper[left + c] * weights[0] + upper[right + c] * weights[1] +
                            lower[left + c] * weights[2] + lower[right + c] * weights[3]);
      }
    }
  }
}
