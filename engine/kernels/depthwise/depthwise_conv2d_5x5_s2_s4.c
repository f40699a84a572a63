#include "nibbles.h"
#define KERNEL 5
#define STRIDE 2
#define FUNCTION mcunet_depthwise_conv2d_5x5_s2_s4
#include "depthwise_conv2d.inc"
