#ifndef MCUNET_KERNELS_SCRATCH_H_
#define MCUNET_KERNELS_SCRATCH_H_

// How many bytes of scratch the kernels need, for the host's planner and for the kernels
// themselves. Kernels that have no function here need none.

#include "mcunet_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

// Values of a column of `depth` values: a multiple of 4, at least 8.
static inline int32_t mcunet_padded_depth(int32_t depth) {
  return depth <= 8 ? 8 : (depth + 3) & ~3;
}

static inline int32_t mcunet_conv2d_1x1_scratch_bytes(int32_t pixels, int32_t input_channels) {
  return (pixels < 4 ? 2 : 8) * mcunet_padded_depth(input_channels);
}

static inline int32_t mcunet_fully_connected_scratch_bytes(int32_t batches,
                                                           int32_t input_features) {
  return mcunet_conv2d_1x1_scratch_bytes(batches, input_features);
}

// Two columns of int16.
static inline int32_t mcunet_batch_matmul_scratch_bytes(int32_t depth) {
  return 2 * 2 * ((depth + 3) & ~3);
}

// The features of a step and the hidden state, as int16.
static inline int32_t mcunet_lstm_padded(int32_t values) { return (values + 3) & ~3; }
static inline int32_t mcunet_lstm_scratch_bytes(int32_t features, int32_t cells) {
  return 2 * (mcunet_lstm_padded(features) + mcunet_lstm_padded(cells));
}

// Of a convolution with 1 or 4 columns: int16 and, unless the rows of a window are made of whole
// words, the int8 values as well.
static inline int32_t mcunet_conv2d_scratch_bytes(const struct mcunet_conv2d_layer* layer,
                                                  int32_t columns) {
  const int32_t depth = layer->kernel_height * layer->kernel_width * layer->input_channels;
  return (layer->input_channels % 4 == 0 ? 2 : 3) * columns * mcunet_padded_depth(depth);
}

// One column: int16 and int8.
static inline int32_t mcunet_conv2d_dilated_scratch_bytes(
    const struct mcunet_conv2d_dilated_layer* layer) {
  const struct mcunet_conv2d_layer* const w = &layer->window;
  return 3 * mcunet_padded_depth(w->kernel_height * w->kernel_width * w->input_channels);
}

// Taps along one axis that an output of a transposed convolution sees whose position, counted from the
// padding, leaves `remainder` by the stride.
static inline int32_t mcunet_transpose_conv2d_taps(int32_t kernel, int32_t stride,
                                                   int32_t remainder) {
  return kernel <= remainder ? 0 : (kernel - remainder - 1) / stride + 1;
}

// One column of the remainder with the most taps: int16 and int8.
static inline int32_t mcunet_transpose_conv2d_scratch_bytes(
    const struct mcunet_conv2d_layer* layer) {
  const int32_t rows = mcunet_transpose_conv2d_taps(layer->kernel_height, layer->stride_height, 0);
  const int32_t columns = mcunet_transpose_conv2d_taps(layer->kernel_width, layer->stride_width, 0);
  return 3 * mcunet_padded_depth(rows * columns * layer->input_channels);
}

// int16 values in a gathered row of a depthwise convolution.
static inline int32_t mcunet_depthwise_pitch(const struct mcunet_depthwise_layer* layer,
                                             int32_t kernel, int32_t stride) {
  const int32_t inputs = layer->pad_left + layer->input_width;
  const int32_t reach = (layer->output_width - 1) * stride + kernel;
  return ((inputs > reach ? inputs : reach) + 1) & ~1;
}

// Pairs of int16 weights for a row of its window.
static inline int32_t mcunet_depthwise_row_pairs(int32_t kernel, int32_t stride) {
  return stride == 1 ? kernel - 1 : (kernel + 1) / 2;
}

// Gathered rows when all are held: 3x3 windows have those of the padding too.
static inline int32_t mcunet_depthwise_whole_rows(const struct mcunet_depthwise_layer* layer,
                                                  int32_t rows, int32_t stride) {
  if (rows != 3) return layer->input_height;
  const int32_t inputs = layer->pad_top + layer->input_height;
  const int32_t reach = (layer->output_height - 1) * stride + rows;
  return inputs > reach ? inputs : reach;
}

enum {
  // Blocks of outputs at the end of a row read on beyond the last gathered row; the results are
  // dropped.
  MCUNET_DEPTHWISE_SLACK_BYTES = 16,
};

// With all rows of two channels: the faster way.
static inline int32_t mcunet_depthwise_whole_scratch_bytes(
    const struct mcunet_depthwise_layer* layer, int32_t rows, int32_t kernel, int32_t stride) {
  return 4 * mcunet_depthwise_whole_rows(layer, rows, stride) *
             mcunet_depthwise_pitch(layer, kernel, stride) +
         8 * rows * mcunet_depthwise_row_pairs(kernel, stride) + MCUNET_DEPTHWISE_SLACK_BYTES;
}

// With a ring of as many rows as the window has.
static inline int32_t mcunet_depthwise_ring_scratch_bytes(
    const struct mcunet_depthwise_layer* layer, int32_t rows, int32_t kernel, int32_t stride) {
  return 4 * rows * mcunet_depthwise_pitch(layer, kernel, stride) +
         8 * (2 * rows - 1) * mcunet_depthwise_row_pairs(kernel, stride) +
         MCUNET_DEPTHWISE_SLACK_BYTES;
}

// The least that it works with.
static inline int32_t mcunet_depthwise_scratch_bytes(const struct mcunet_depthwise_layer* layer,
                                                     int32_t rows, int32_t kernel, int32_t stride) {
  const int32_t whole = mcunet_depthwise_whole_scratch_bytes(layer, rows, kernel, stride);
  const int32_t ring = mcunet_depthwise_ring_scratch_bytes(layer, rows, kernel, stride);
  return ring < whole ? ring : whole;
}

// ---- Activations of four bits ----

// Values that a pixel has in a column, or in the outputs of one: nibbles come in eights.
static inline int32_t mcunet_values_of_pixel(int32_t channels, int32_t bits) {
  return bits == 4 ? (channels + 7) & ~7 : channels;
}

// As above where input or output or both have four bits. Outputs of four bits are computed as bytes first.
static inline int32_t mcunet_conv2d_1x1_narrow_scratch_bytes(int32_t pixels, int32_t input_channels,
                                                             int32_t output_channels,
                                                             int32_t input_bits,
                                                             int32_t output_bits) {
  const int32_t outputs = output_bits == 4 ? mcunet_values_of_pixel(output_channels, 4) : 0;
  return mcunet_conv2d_1x1_scratch_bytes(pixels,
                                         mcunet_values_of_pixel(input_channels, input_bits)) +
         (pixels < 4 ? 1 : 4) * outputs;
}

static inline int32_t mcunet_conv2d_narrow_scratch_bytes(const struct mcunet_conv2d_layer* layer,
                                                         int32_t columns, int32_t input_bits,
                                                         int32_t output_bits) {
  const int32_t outputs = output_bits == 4 ? mcunet_values_of_pixel(layer->output_channels, 4) : 0;
  struct mcunet_conv2d_layer padded = *layer;
  padded.input_channels = mcunet_values_of_pixel(layer->input_channels, input_bits);
  return mcunet_conv2d_scratch_bytes(&padded, columns) + columns * outputs;
}

// Of a depthwise convolution: beside all rows of two channels the outputs of one.
static inline int32_t mcunet_depthwise_plane_bytes(const struct mcunet_depthwise_layer* layer) {
  return (layer->output_height * layer->output_width + 3) & ~3;
}
static inline int32_t mcunet_depthwise_whole_narrow_scratch_bytes(
    const struct mcunet_depthwise_layer* layer, int32_t rows, int32_t kernel, int32_t stride) {
  return mcunet_depthwise_whole_scratch_bytes(layer, rows, kernel, stride) +
         mcunet_depthwise_plane_bytes(layer);
}

// The least: beside a ring a row of outputs of both.
static inline int32_t mcunet_depthwise_narrow_scratch_bytes(
    const struct mcunet_depthwise_layer* layer, int32_t rows, int32_t kernel, int32_t stride) {
  const int32_t whole = mcunet_depthwise_whole_narrow_scratch_bytes(layer, rows, kernel, stride);
  const int32_t ring = mcunet_depthwise_ring_scratch_bytes(layer, rows, kernel, stride) +
                       2 * ((layer->output_width + 3) & ~3);
  return ring < whole ? ring : whole;
}

#ifdef __cplusplus
}
#endif

#endif  // MCUNET_KERNELS_SCRATCH_H_
