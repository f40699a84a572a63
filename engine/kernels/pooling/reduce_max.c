#include "reduce_extremum.h"

void mcunet_reduce_max(const int8_t* input, int8_t* output,
                       const struct mcunet_reduce_extremum_layer* layer) {
  mcunet_reduce_extremum(input, output, layer, 1);
}
