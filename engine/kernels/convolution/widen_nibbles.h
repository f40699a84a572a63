#ifndef MCUNET_KERNELS_WIDEN_NIBBLES_H_
#define MCUNET_KERNELS_WIDEN_NIBBLES_H_

// Columns of int16 (matmul_columns.h) from pixels of nibbles (nibble_pixels.h): what the functions for bytes do,
// of the same names but for `_nibbles`. They take a multiple of 8 values, which lie in half as many bytes.

#include "matmul_columns.h"

uint32_t* mcunet_widen_column_nibbles(uint32_t* column, int32_t pitch, const int8_t* nibbles,
                                      int32_t values);
uint32_t* mcunet_widen_four_columns_nibbles(uint32_t* columns, const int8_t* nibbles,
                                            int32_t values, int32_t distance);

// For weights of four bits (matmul_columns_s4.h).
uint32_t* mcunet_widen_column_nibbles_s4(uint32_t* column, int32_t pitch, const int8_t* nibbles,
                                         int32_t values);
uint32_t* mcunet_widen_four_columns_nibbles_s4(uint32_t* columns, const int8_t* nibbles,
                                               int32_t values, int32_t distance);

#endif  // MCUNET_KERNELS_WIDEN_NIBBLES_H_
