#include "elementwise.h"

void mcunet_sub(const int8_t* a, const int8_t* b, int8_t* output,
                const struct mcunet_elementwise_layer* layer) {
  mcunet_add_rescaled(a, b, output, layer, /*sign=*/-1);
}
