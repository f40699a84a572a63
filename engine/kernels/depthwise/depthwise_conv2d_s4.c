#include "nibbles.h"
#define FUNCTION mcunet_depthwise_conv2d_s4
#define WEIGHT_BYTES(taps) mcunet_nibble_bytes(taps)
#define WEIGHT(weights, tap) mcunet_nibble(weights, tap)
#include "depthwise_any.inc"
