// As a8_in.h, for pixels of nibbles.

#include "nibble_pixels.h"
#include "widen_nibbles.h"

#define WIDEN(name) WIDEN_NIBBLES(name)

MCUNET_INLINE int32_t values_of_pixel(int32_t channels) {
  return mcunet_nibbles_of_pixel(channels);
}
MCUNET_INLINE int32_t bytes_of_values(int32_t values) { return values / 2; }
MCUNET_INLINE int is_gathered(int32_t channels) {
  (void)channels;
  return 0;
}
