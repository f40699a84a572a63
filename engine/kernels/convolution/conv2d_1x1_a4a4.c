#include "matmul_columns.h"
#define KERNEL(name) mcunet_##name
#define WIDEN_NIBBLES(name) mcunet_##name##_nibbles
#define FUNCTION mcunet_conv2d_1x1_a4a4
#include "a4_in.h"
#include "a4_out.h"
#include "conv2d_1x1.inc"
