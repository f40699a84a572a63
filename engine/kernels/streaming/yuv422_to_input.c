#include "pixels.h"

// ITU-R BT.601: 1.164 (Y - 16) and so on, of 2^20.
enum { kLuma = 1220542, kRedV = 1673527, kGreenU = 409993, kGreenV = 852492, kBlueU = 2116026 };

static uint32_t level_of(int32_t sum) {
  return (uint32_t)mcunet_clamp((sum + (1 << 19)) >> 20, 0, 255);
}

void mcunet_yuv422_to_input(const uint8_t* pixels, int32_t count, int8_t* output,
                            int32_t channels) {
  for (; count > 0; count -= 2, pixels += 4) {
    const int32_t u = pixels[1] - 128;
    const int32_t v = pixels[3] - 128;
    for (int32_t i = 0; i < 4; i += 2) {
      const int32_t luma = pixels[i] < 16 ? 0 : (pixels[i] - 16) * kLuma;
      output =
          mcunet_write_pixel(level_of(luma + kRedV * v), level_of(luma - kGreenU * u - kGreenV * v),
                             level_of(luma + kBlueU * u), output, channels);
    }
  }
}
