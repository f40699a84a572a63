#include "pixels.h"

// The upper bits are repeated below, so that the largest value becomes 255.
void mcunet_rgb565_to_input(const uint8_t* pixels, int32_t count, int8_t* output,
                            int32_t channels) {
  for (; count > 0; --count, pixels += 2) {
    const uint32_t pixel = pixels[0] | (uint32_t)pixels[1] << 8;
    const uint32_t red = pixel >> 11;
    const uint32_t green = pixel >> 5 & 63;
    const uint32_t blue = pixel & 31;
    output = mcunet_write_pixel(red << 3 | red >> 2, green << 2 | green >> 4, blue << 3 | blue >> 2,
                                output, channels);
  }
}
