#ifndef MCUNET_KERNELS_PACK_H_
#define MCUNET_KERNELS_PACK_H_

// Lays weights out for the kernels. Runs on the host, when a network is compiled; firmware never
// includes it.

#include <stddef.h>
#include <stdint.h>

#include "mcunet_kernels.h"
#include "requantize.h"

#ifdef __cplusplus
extern "C" {
#endif

// What a layer computes with, as TFLite has it. All arrays have one element per output channel.
struct mcunet_filter {
  const int8_t* weights;       // one per byte, for the functions of four bits as well: -8 … 7
  const int32_t* bias;         // null: none
  const int32_t* multipliers;  // of 2^31, in [2^30, 2^31), or 0
  const int32_t* shifts;       // right shifts: minus the exponents of TFLite's QuantizeMultiplier
  int32_t output_channels;
  int32_t input_zero_point;
  struct mcunet_output output;
};

// How channels with this scale are requantized, MCUNET_REQUANTIZE_….
int mcunet_requantize_mode(int32_t multiplier, int32_t shift, const struct mcunet_output* output);

// Convolution and fully connected: weights[output_channels][depth], depth being kernel_height *
// kernel_width * input_channels in this order. The layout is in matmul_columns.h.
size_t mcunet_packed_matmul_bytes(int32_t output_channels, int32_t depth);
void mcunet_pack_matmul(const struct mcunet_filter* filter, int32_t depth, void* packed);
// The same in four bits, laid out as in matmul_columns_s4.h.
size_t mcunet_packed_matmul_bytes_s4(int32_t output_channels, int32_t depth);
void mcunet_pack_matmul_s4(const struct mcunet_filter* filter, int32_t depth, void* packed);

// What an LSTM computes with, per gate: input, forget, cell, output.
struct mcunet_lstm_weights {
  const int8_t* input[MCUNET_GATES];      // [cells][features]
  const int8_t* recurrent[MCUNET_GATES];  // [cells][cells]
  const int32_t* bias[MCUNET_GATES];      // [cells]
  int32_t features;
  int32_t cells;
  int32_t input_zero_point;
  int32_t hidden_zero_point;
};

// The layout is in lstm.h.
size_t mcunet_packed_lstm_bytes(int32_t features, int32_t cells);
void mcunet_pack_lstm(const struct mcunet_lstm_weights* layer, void* packed);

// Transposed convolution: the part of weights[output_channels][kernel_height][kernel_width]
// [input_channels] that outputs see whose row and column, counted from the padding, leave these
// remainders by the stride. It is written as weights[output_channels][depth], the taps in the order of
// the input values that they meet; returns the depth.
struct mcunet_conv2d_layer;
int32_t mcunet_transpose_conv2d_part(const struct mcunet_conv2d_layer* layer, const int8_t* weights,
                                     int32_t row_remainder, int32_t column_remainder, int8_t* part);

// Depthwise: weights[taps][output_channels] with taps = kernel_height * kernel_width, as TFLite has
// them. The layout is in depthwise_rows.h; input_zero_point does not matter here.
size_t mcunet_packed_depthwise_bytes(int32_t channels, int32_t taps);
void mcunet_pack_depthwise(const struct mcunet_filter* filter, int32_t taps, void* packed);
// The same in four bits, laid out as in nibbles.h.
size_t mcunet_packed_depthwise_bytes_s4(int32_t channels, int32_t taps);
void mcunet_pack_depthwise_s4(const struct mcunet_filter* filter, int32_t taps, void* packed);

#ifdef __cplusplus
}
#endif

#endif  // MCUNET_KERNELS_PACK_H_
