#include "nibble_pixels.h"

MCUNET_INLINE void pack_word(uint32_t low, uint32_t high, int8_t* nibbles) {
  mcunet_store_word(nibbles, mcunet_clip_to_nibbles(low) | mcunet_clip_to_nibbles(high) << 4);
}

void mcunet_pack_nibbles(const int8_t* bytes, int8_t* nibbles, int32_t words) {
  for (; words >= 2; words -= 2, bytes += 16, nibbles += 8) {
    const uint32_t a = mcunet_load_word(bytes);
    const uint32_t b = mcunet_load_word(bytes + 4);
    const uint32_t c = mcunet_load_word(bytes + 8);
    const uint32_t d = mcunet_load_word(bytes + 12);
    pack_word(a, b, nibbles);
    pack_word(c, d, nibbles + 4);
  }
  if (words == 1) pack_word(mcunet_load_word(bytes), mcunet_load_word(bytes + 4), nibbles);
}
