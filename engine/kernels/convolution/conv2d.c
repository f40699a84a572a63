#include "matmul_columns.h"
#define KERNEL(name) mcunet_##name
#define FUNCTION mcunet_conv2d
#include "a8_in.h"
#include "a8_out.h"
#include "conv2d.inc"
