#include "matmul_columns_s4.h"
#define KERNEL(name) mcunet_##name##_s4
#include "conv2d.inc"
