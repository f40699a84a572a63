#include "mcunet_kernels.h"

// To the nearest, halves away from zero. Beyond a million any zero point saturates.
static int32_t round_away(float value) {
  const float far = 1e6f;
  if (value >= far) return 1000000;
  if (value <= -far) return -1000000;
  const int32_t whole = (int32_t)value;
  const float rest = value - (float)whole;
  return whole + (rest >= 0.5f) - (rest <= -0.5f);
}

void mcunet_quantize(const float* input, int8_t* output,
                     const struct mcunet_conversion_layer* layer) {
  for (int32_t i = 0; i < layer->elements; ++i) {
    // The output may overwrite what has been read.
    float real;
    memcpy(&real, input + i, sizeof real);
    const float scaled = real / layer->scale;
    const int32_t rounded = scaled != scaled ? 0 : round_away(scaled);
    const int32_t value = mcunet_clamp(rounded + layer->zero_point, layer->min, layer->min + 255);
    output[i] = (int8_t)(uint8_t)value;
  }
}
