#define KERNEL 3
#define STRIDE 1
#define FUNCTION mcunet_depthwise_conv2d_3x3_s1
#include "depthwise_conv2d.inc"
