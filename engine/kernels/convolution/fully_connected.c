#include "mcunet_kernels.h"
#define FUNCTION mcunet_fully_connected
#define CONVOLUTION(...) mcunet_conv2d_1x1(__VA_ARGS__)
#include "fully_connected.inc"
