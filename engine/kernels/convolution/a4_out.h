// As a8_out.h, for pixels of nibbles: the outputs of some columns are computed as bytes and then packed.

#include "nibble_pixels.h"

MCUNET_INLINE int32_t output_stride(int32_t channels) { return mcunet_nibbles_of_pixel(channels); }

MCUNET_INLINE int32_t buffered_outputs(int32_t channels) { return output_stride(channels); }

// What no output fills is a nibble of 0.
MCUNET_INLINE void begin_outputs(int8_t* buffer, int32_t columns, int32_t channels) {
  memset(buffer, -128, (size_t)(columns * output_stride(channels)));
}

MCUNET_INLINE int8_t* outputs_at(int8_t* output, int8_t* buffer) {
  (void)output;
  return buffer;
}

MCUNET_INLINE int8_t* finish_outputs(int8_t* output, const int8_t* buffer, int32_t columns,
                                     int32_t channels) {
  const int32_t bytes = columns * mcunet_nibble_pixel_bytes(channels);
  mcunet_pack_nibbles(buffer, output, bytes / 4);
  return output + bytes;
}
