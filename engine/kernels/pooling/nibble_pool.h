#ifndef MCUNET_KERNELS_NIBBLE_POOL_H_
#define MCUNET_KERNELS_NIBBLE_POOL_H_

// Pools over pixels of nibbles, channel by channel: they are rare, and small. Internal to the kernels.

#include "nibble_pixels.h"
#include "pooling.h"

// Of the low or the high nibbles of the bytes in an extent.
typedef int32_t mcunet_reduce_nibbles(const int8_t* first, const struct mcunet_pool_rows* extent,
                                      int high);

MCUNET_INLINE void mcunet_pool_nibbles(const int8_t* input, int8_t* output,
                                       const struct mcunet_pool2d_layer* layer,
                                       mcunet_reduce_nibbles* reduce) {
  const int32_t pixel_bytes = mcunet_nibble_pixel_bytes(layer->channels);
  for (int32_t oy = 0; oy < layer->output_height; ++oy) {
    for (int32_t ox = 0; ox < layer->output_width; ++ox, output += pixel_bytes) {
      const int8_t* corner;
      const struct mcunet_pool_rows extent =
          mcunet_clip_pool(input, layer, pixel_bytes, oy, ox, &corner);
      memset(output, 0, (size_t)pixel_bytes);
      for (int32_t c = 0; c < layer->channels; ++c) {
        const int high = (c & 4) != 0;
        const int32_t byte = c / 8 * 4 + c % 4;
        const int32_t value =
            mcunet_clamp(reduce(corner + byte, &extent, high), layer->min, layer->max);
        output[byte] = (int8_t)((uint8_t)output[byte] | value << (high ? 4 : 0));
      }
    }
  }
}

#endif  // MCUNET_KERNELS_NIBBLE_POOL_H_
