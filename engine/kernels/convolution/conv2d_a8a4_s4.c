#include "matmul_columns_s4.h"
#define KERNEL(name) mcunet_##name##_s4
#define FUNCTION mcunet_conv2d_a8a4_s4
#include "a4_out.h"
#include "a8_in.h"
#include "conv2d.inc"
