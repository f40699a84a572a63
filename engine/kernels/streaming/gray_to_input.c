#include "pixels.h"

void mcunet_gray_to_input(const uint8_t* pixels, int32_t count, int8_t* output, int32_t channels) {
  for (; count > 0; --count, ++pixels) {
    for (int32_t i = 0; i < channels; ++i) *output++ = mcunet_value_of_level(*pixels);
  }
}
