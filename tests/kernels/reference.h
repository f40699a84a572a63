#ifndef MCUNET_TESTS_KERNELS_REFERENCE_H_
#define MCUNET_TESTS_KERNELS_REFERENCE_H_

// What the kernels must compute, written as plainly as possible and without any of their code: one
// loop per axis, padding skipped, zero points subtracted from every value, TFLite's arithmetic.

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The receptive field and the sizes of a layer. Weights are [out][kh][kw][in] for a convolution and
// [kh][kw][out] for a depthwise one, as in a .tflite.
struct reference_window {
  int32_t input_height, input_width, input_channels;
  int32_t output_height, output_width, output_channels;
  int32_t kernel_height, kernel_width;
  int32_t stride_height, stride_width;
  int32_t pad_top, pad_left;
  int32_t gap_height, gap_width;  // between taps: dilation - 1
};

struct reference_scale {
  const int32_t* multipliers;
  const int32_t* shifts;  // TFLite's: negative is a right shift
  int32_t input_zero_point, output_zero_point, min, max;
};

int32_t reference_rescale(int32_t value, int32_t multiplier, int32_t shift);

void reference_conv2d(const int8_t* input, const int8_t* weights, const int32_t* bias,
                      const struct reference_window* window, const struct reference_scale* scale,
                      int8_t* output);
// Every input value adds to the outputs under the kernel laid at its position times the stride, less
// the padding. `sums` is scratch, one per output value.
void reference_transpose_conv2d(const int8_t* input, const int8_t* weights, const int32_t* bias,
                                const struct reference_window* window,
                                const struct reference_scale* scale, int32_t* sums, int8_t* output);
void reference_depthwise_conv2d(const int8_t* input, const int8_t* weights, const int32_t* bias,
                                const struct reference_window* window,
                                const struct reference_scale* scale, int8_t* output);

// Of an LSTM; weights and biases per gate: input, forget, cell, output. Shifts as above.
struct reference_lstm_layer {
  int32_t steps, features, cells;
  const int8_t* input_weights[4];      // [cells][features]
  const int8_t* recurrent_weights[4];  // [cells][cells]
  const int32_t* bias[4];
  int32_t input_multipliers[4], input_shifts[4];
  int32_t recurrent_multipliers[4], recurrent_shifts[4];
  int32_t input_zero_point, hidden_zero_point;
  int32_t cell_exponent, cell_min, cell_max;
  int32_t hidden_multiplier, hidden_shift;
};
// The hidden state is the last row of the output afterwards; `cell` is changed.
void reference_lstm(const int8_t* input, const struct reference_lstm_layer* layer,
                    const int8_t* hidden, int16_t* cell, int8_t* output);

#ifdef __cplusplus
}
#endif

#endif  // MCUNET_TESTS_KERNELS_REFERENCE_H_
