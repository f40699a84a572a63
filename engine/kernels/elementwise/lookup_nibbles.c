#include "mcunet_kernels.h"

void mcunet_lookup_nibbles(const int8_t* a, const int8_t* b, int8_t* output, int32_t bytes,
                           const uint8_t* table) {
  const int8_t* const end = output + bytes;
  while (output != end) {
    const uint32_t x = (uint8_t)*a++;
    const uint32_t y = (uint8_t)*b++;
    const uint32_t low = table[(x << 4 & 0xf0) | (y & 15)];
    const uint32_t high = table[(x & 0xf0) | y >> 4];
    *output++ = (int8_t)(low | high << 4);
  }
}
