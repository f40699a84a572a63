#ifndef MCUNET_KERNELS_PIXELS_H_
#define MCUNET_KERNELS_PIXELS_H_

// From levels of 0 … 255 to the values of an input. Internal to the kernels.

#include "mcunet_kernels.h"

MCUNET_INLINE int8_t mcunet_value_of_level(uint32_t level) { return (int8_t)(level ^ 0x80); }

// Returns where the next pixel begins. A single channel is the luminance, as in frame.c.
MCUNET_INLINE int8_t* mcunet_write_pixel(uint32_t red, uint32_t green, uint32_t blue,
                                         int8_t* output, int32_t channels) {
  if (channels == 1) {
    *output++ =
        mcunet_value_of_level((9798u * red + 19235u * green + 3735u * blue + (1u << 14)) >> 15);
    return output;
  }
  *output++ = mcunet_value_of_level(red);
  *output++ = mcunet_value_of_level(green);
  *output++ = mcunet_value_of_level(blue);
  return output;
}

#endif  // MCUNET_KERNELS_PIXELS_H_
