#include "nibbles.h"
#define ROWS 1
#define KERNEL 7
#define STRIDE 1
#define FUNCTION mcunet_depthwise_conv2d_1x7_s1_s4
#include "depthwise_conv2d.inc"
