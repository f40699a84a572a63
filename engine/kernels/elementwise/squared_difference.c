#include "elementwise.h"

void mcunet_squared_difference(const int8_t* a, const int8_t* b, int8_t* output,
                               const struct mcunet_elementwise_layer* layer) {
  int32_t at = 0;  // in b, which repeats
  for (int32_t i = 0; i < layer->elements; ++i) {
    output[i] = mcunet_difference_squared(a[i], b[at], layer);
    if (++at == layer->period) at = 0;
  }
}
