#include "matmul_columns.h"
#define KERNEL(name) mcunet_##name
#define WIDEN_NIBBLES(name) mcunet_##name##_nibbles
#define FUNCTION mcunet_conv2d_a4a8
#include "a4_in.h"
#include "a8_out.h"
#include "conv2d.inc"
