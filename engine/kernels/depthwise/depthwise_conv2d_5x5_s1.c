#define KERNEL 5
#define STRIDE 1
#define FUNCTION mcunet_depthwise_conv2d_5x5_s1
#include "depthwise_conv2d.inc"
