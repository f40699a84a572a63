#define FUNCTION mcunet_depthwise_conv2d
#define WEIGHT_BYTES(taps) (taps)
#define WEIGHT(weights, tap) (weights)[tap]
#include "depthwise_any.inc"
