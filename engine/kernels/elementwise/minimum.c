#include "broadcast.h"

MCUNET_INLINE int8_t smaller(int32_t a, int32_t b, const struct mcunet_elementwise_layer* values) {
  (void)values;
  return (int8_t)(a < b ? a : b);
}

void mcunet_minimum(const int8_t* a, const int8_t* b, int8_t* output,
                    const struct mcunet_extremum_layer* layer) {
  mcunet_broadcast(a, b, output, layer->sizes, layer->strides, /*values=*/0, smaller);
}
