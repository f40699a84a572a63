#include "matmul_columns.h"
#define KERNEL(name) mcunet_##name
#define FUNCTION mcunet_conv2d_a8a4
#include "a4_out.h"
#include "a8_in.h"
#include "conv2d.inc"
