#include "extremum.h"

void mcunet_minimum(const int8_t* a, const int8_t* b, int8_t* output,
                    const struct mcunet_extremum_layer* layer) {
  mcunet_extremum(a, b, output, layer, /*sign=*/-1);
}
