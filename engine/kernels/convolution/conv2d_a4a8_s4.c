#include "matmul_columns_s4.h"
#define KERNEL(name) mcunet_##name##_s4
#define WIDEN_NIBBLES(name) mcunet_##name##_nibbles_s4
#define FUNCTION mcunet_conv2d_a4a8_s4
#include "a4_in.h"
#include "a8_out.h"
#include "conv2d.inc"
