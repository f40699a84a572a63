#include "pooling.h"

void mcunet_accumulate(const struct mcunet_band* band, int32_t width, int32_t channels,
                       int32_t* sums) {
  if (band->first_row == 0) memset(sums, 0, (size_t)channels * sizeof(*sums));
  const int8_t* const input = band->inputs[0];
  for (int32_t c = 0; c < channels;) {
    c += mcunet_add_row(input + c, channels - c, band->rows * width, channels, sums + c);
  }
}
