#ifndef MCUNET_KERNELS_H_
#define MCUNET_KERNELS_H_

// The int8 kernels that generated networks call. They compute exactly what TFLite's reference kernels
// compute; they allocate nothing, keep no state and use nothing but the memory that they are given.
// Batches are 1.
//
// Activations are int8, NHWC, with one scale and one zero point per tensor. `weights` of the layers
// that have any is what the functions of pack.h make of them; 4-byte aligned, as is `scratch`. Sizes
// are in elements unless a name says bytes. Scratch needs are given beside each kernel, in bytes;
// round_up(n, m) is the next multiple of m, and
//
//   padded_depth(n) = max(8, round_up(n, 4))
//
// Padding at the bottom and at the right follows from the output's size.

#include <stdint.h>

#include "requantize.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- Convolution -----------------------------------------------------------------------------------

struct mcunet_conv2d_1x1 {
  int32_t pixels;  // height * width
  int32_t input_channels;
  int32_t output_channels;
  struct mcunet_output output;
};

// A 1x1 convolution of stride 1.
// Weights: mcunet_pack_matmul. Scratch: 8 * padded_depth(input_channels).
// Four pixels are copied out before their outputs are written, in reading order: the output may begin
// where the input begins (or anywhere before it) if it has no more channels than the input.
void mcunet_conv2d_1x1(const int8_t* input, int8_t* output, const struct mcunet_conv2d_1x1* layer,
                       const void* weights, void* scratch);

struct mcunet_conv2d {
  int32_t input_height;
  int32_t input_width;
  int32_t input_channels;
  int32_t output_height;
  int32_t output_width;
  int32_t output_channels;
  int16_t kernel_height;
  int16_t kernel_width;
  int16_t stride_height;
  int16_t stride_width;
  int16_t pad_top;
  int16_t pad_left;
  int32_t input_zero_point;
  struct mcunet_output output;
};

// A convolution with any window. im2col of as many columns as `scratch_bytes` holds, four at most
// (MCUNet, equations 1 and 2), with depth = kernel_height * kernel_width * input_channels.
// Weights: mcunet_pack_matmul. Scratch, for n = 1 or 4 columns:
//   2 * n * padded_depth(depth) + (input_channels % 4 == 0 ? 0 : padded_depth(depth)).
void mcunet_conv2d(const int8_t* input, int8_t* output, const struct mcunet_conv2d* layer,
                   const void* weights, void* scratch, int32_t scratch_bytes);

// ---- Depthwise convolution -------------------------------------------------------------------------

struct mcunet_depthwise_conv2d {
  int32_t input_height;
  int32_t input_width;
  int32_t output_height;
  int32_t output_width;
  int32_t channels;
  int32_t pad_top;
  int32_t pad_left;
  int32_t input_zero_point;
  struct mcunet_output output;
};

// Depthwise convolutions with a depth multiplier of 1, one for each window and stride.
// Weights: mcunet_pack_depthwise. Scratch: the smaller of
//   4 * input_height * pitch + 8 * kernel * pairs + 16   (all rows of two channels; faster), and
//   4 * kernel * pitch + 8 * (2 * kernel - 1) * pairs + 16   (a ring of rows), with
//   pitch = round_up(max(pad_left + input_width, (output_width - 1) * stride + kernel), 2),
//   pairs = stride == 1 ? kernel - 1 : (kernel + 1) / 2;
// with as much as the first asks for, the first way is taken.
// The output may overwrite the input, at the same address, if output_width <= input_width and
// pad_top < kernel.
void mcunet_depthwise_conv2d_3x3_s1(const int8_t* input, int8_t* output,
                                    const struct mcunet_depthwise_conv2d* layer,
                                    const void* weights, void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_3x3_s2(const int8_t* input, int8_t* output,
                                    const struct mcunet_depthwise_conv2d* layer,
                                    const void* weights, void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_5x5_s1(const int8_t* input, int8_t* output,
                                    const struct mcunet_depthwise_conv2d* layer,
                                    const void* weights, void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_5x5_s2(const int8_t* input, int8_t* output,
                                    const struct mcunet_depthwise_conv2d* layer,
                                    const void* weights, void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_7x7_s1(const int8_t* input, int8_t* output,
                                    const struct mcunet_depthwise_conv2d* layer,
                                    const void* weights, void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_7x7_s2(const int8_t* input, int8_t* output,
                                    const struct mcunet_depthwise_conv2d* layer,
                                    const void* weights, void* scratch, int32_t scratch_bytes);

// ---- Fully connected -------------------------------------------------------------------------------

struct mcunet_fully_connected {
  int32_t batches;
  int32_t input_features;
  int32_t output_features;
  struct mcunet_output output;
};

// Weights: mcunet_pack_matmul. Scratch: (batches < 4 ? 2 : 8) * padded_depth(input_features).
void mcunet_fully_connected(const int8_t* input, int8_t* output,
                            const struct mcunet_fully_connected* layer, const void* weights,
                            void* scratch);

#ifdef __cplusplus
}
#endif

#endif  // MCUNET_KERNELS_H_
