#ifndef MCUNET_SERIES_H
#define MCUNET_SERIES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The network's input made of what sensors measured: averaged in time and quantized, in 32-bit floats
// and without memory of its own. Additions, a subtraction and a division, in an order that is fixed:
// whatever rounds as IEEE 754 says, with or without a floating point unit, gives the same bytes.

struct mcunet_series_layer {
  int32_t samples;   // of the input
  int32_t channels;  // as many values lie side by side in each row
  int32_t averaged;  // rows that make one sample of the input
  // A sum of that many values is the level (sum - zero) / step, rounded; beyond what a byte holds, the
  // nearest.
  const float* zeros;  // [channels]
  const float* steps;  // [channels], above 0
};

// values [samples * averaged, channels], the oldest first -> input [samples, channels].
void mcunet_series_to_input(const float* values, int8_t* input,
                            const struct mcunet_series_layer* layer);

// The same of whole numbers, as a sensor's registers hold them.
void mcunet_series_counts_to_input(const int16_t* counts, int8_t* input,
                                   const struct mcunet_series_layer* layer);

#ifdef __cplusplus
}
#endif

#endif
