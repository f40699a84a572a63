#include "mcunet_kernels.h"

// From the last word to the first.
void mcunet_move_up(int8_t* from, int32_t bytes, int32_t by) {
  const int8_t* end = from + ((bytes + 3) & ~3);
  for (; end - from >= 16; end -= 16) {
    int8_t* const to = (int8_t*)end + by;
    const uint32_t a = mcunet_load_word(end - 4);
    const uint32_t b = mcunet_load_word(end - 8);
    const uint32_t c = mcunet_load_word(end - 12);
    const uint32_t d = mcunet_load_word(end - 16);
    mcunet_store_word(to - 4, a);
    mcunet_store_word(to - 8, b);
    mcunet_store_word(to - 12, c);
    mcunet_store_word(to - 16, d);
  }
  for (; end != from; end -= 4) mcunet_store_word((int8_t*)end + by - 4, mcunet_load_word(end - 4));
}
