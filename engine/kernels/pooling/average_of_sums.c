#include "sum_to_average.h"

void mcunet_average_of_sums(const int32_t* sums, int32_t count, int8_t* output,
                            const struct mcunet_pool2d_layer* layer) {
  const struct mcunet_divisor by = mcunet_divide_by(count);
  for (int32_t c = 0; c < layer->channels; ++c) {
    output[c] = (int8_t)mcunet_clamp(mcunet_average_of(sums[c], &by), layer->min, layer->max);
  }
}
