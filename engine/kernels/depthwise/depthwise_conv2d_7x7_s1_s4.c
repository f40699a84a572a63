#include "nibbles.h"
#define KERNEL 7
#define STRIDE 1
#define FUNCTION mcunet_depthwise_conv2d_7x7_s1_s4
#include "depthwise_conv2d.inc"
