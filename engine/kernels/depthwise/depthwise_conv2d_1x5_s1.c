#define ROWS 1
#define KERNEL 5
#define STRIDE 1
#define FUNCTION mcunet_depthwise_conv2d_1x5_s1
#include "depthwise_conv2d.inc"
