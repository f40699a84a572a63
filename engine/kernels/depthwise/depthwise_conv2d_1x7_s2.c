#define ROWS 1
#define KERNEL 7
#define STRIDE 2
#define FUNCTION mcunet_depthwise_conv2d_1x7_s2
#include "depthwise_conv2d.inc"
