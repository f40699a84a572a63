#include "nibbles.h"

__attribute__((used)) void mcunet_depthwise_finish_s4(const int32_t* sums, int32_t count,
                                                      const struct mcunet_depthwise_row* row,
                                                      int8_t* output) {
  mcunet_requantize_sums(sums, count, row->doubled, row->shift, row->output, output, row->channels);
}
