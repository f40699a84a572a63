#include "mcunet_kernels.h"
#define FUNCTION mcunet_fully_connected_s4
#define CONVOLUTION(...) mcunet_conv2d_1x1_s4(__VA_ARGS__)
#include "fully_connected.inc"
