#include "sum_to_mean.h"

void mcunet_mean_of_sums(const int32_t* sums, int8_t* output,
                         const struct mcunet_mean_layer* layer) {
  const struct mcunet_mean_scale scale = mcunet_mean_scale_of(layer);
  for (int32_t c = 0; c < layer->inner; ++c) output[c] = mcunet_mean_of(sums[c], &scale, layer);
}
