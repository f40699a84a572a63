#include "matmul_columns.h"
#define KERNEL(name) mcunet_##name
#include "conv2d_dilated.inc"
