#include "nibble_pixels.h"

void mcunet_pack_nibbles(const int8_t* bytes, int8_t* nibbles, int32_t words) {
  for (; words > 0; --words, bytes += 8, nibbles += 4) {
    const uint32_t low = mcunet_clip_to_nibbles(mcunet_load_word(bytes));
    const uint32_t high = mcunet_clip_to_nibbles(mcunet_load_word(bytes + 4));
    mcunet_store_word(nibbles, low | high << 4);
  }
}
