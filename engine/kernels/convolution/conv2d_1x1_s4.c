#include "matmul_columns_s4.h"
#define KERNEL(name) mcunet_##name##_s4
#define FUNCTION mcunet_conv2d_1x1_s4
#include "a8_in.h"
#include "a8_out.h"
#include "conv2d_1x1.inc"
