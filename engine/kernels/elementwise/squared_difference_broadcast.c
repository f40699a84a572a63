#include "broadcast.h"

MCUNET_INLINE int8_t squared(int32_t a, int32_t b, const struct mcunet_elementwise_layer* layer) {
  return mcunet_difference_squared(a, b, layer);
}

void mcunet_squared_difference_broadcast(const int8_t* a, const int8_t* b, int8_t* output,
                                         const struct mcunet_broadcast_layer* layer) {
  mcunet_broadcast(a, b, output, layer->sizes, layer->strides, &layer->values, squared);
}
