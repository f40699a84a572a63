#define ROWS 1
#define KERNEL 3
#define STRIDE 2
#define FUNCTION mcunet_depthwise_conv2d_1x3_s2
#include "depthwise_conv2d.inc"
