#ifndef MCUNET_KERNELS_H_
#define MCUNET_KERNELS_H_

// The kernels that generated networks call: int8, or weights or activations of four bits. They compute exactly what TFLite's
// reference kernels compute, as far as it has such; they allocate nothing, keep no state and use nothing but the memory that they
// are given. Batches are 1.
//
// Activations are int8 unless a name says a4, NHWC, with one scale and one zero point per tensor. `weights` of the layers
// that have any is what the functions of pack.h make of them. `weights` and `scratch` are 4-byte
// aligned; scratch.h says how much scratch a layer needs. Sizes are in elements unless a name says
// bytes. Padding at the bottom and at the right follows from the output's size.

#include <stdint.h>

#include "requantize.h"

#ifdef __cplusplus
extern "C" {
#endif

// ---- Convolution ----

struct mcunet_conv2d_1x1_layer {
  int32_t pixels;  // height * width
  int32_t input_channels;
  int32_t output_channels;
  struct mcunet_output output;
};

// A 1x1 convolution of stride 1.
// Weights: mcunet_pack_matmul. Scratch: mcunet_conv2d_1x1_scratch_bytes.
// Pixels are copied out, four at a time and in reading order, before their outputs are written: the
// output may overlap the input if it begins at least
//   max(0, output_channels - input_channels) * pixels
// bytes before it. Both together then take no more than the larger of them.
void mcunet_conv2d_1x1(const int8_t* input, int8_t* output,
                       const struct mcunet_conv2d_1x1_layer* layer, const void* weights,
                       void* scratch);

struct mcunet_conv2d_layer {
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

// A convolution with any window. im2col of four columns at a time, or of one if `scratch_bytes`
// does not hold four (MCUNet, equations 1 and 2). Weights: mcunet_pack_matmul. Scratch:
// mcunet_conv2d_scratch_bytes. The output may overlap the input if it begins d >= 0 bytes before
// it, and for every output row y
//   (y + 1) * output_row_bytes <= d + max(0, y * stride_height - pad_top) * input_row_bytes:
// a row is written when nothing above its own window is needed any more.
void mcunet_conv2d(const int8_t* input, int8_t* output, const struct mcunet_conv2d_layer* layer,
                   const void* weights, void* scratch, int32_t scratch_bytes);

struct mcunet_conv2d_dilated_layer {
  struct mcunet_conv2d_layer window;
  int16_t dilation_height;  // distance between the taps
  int16_t dilation_width;
};

// A convolution whose taps lie apart, one column at a time. Weights: mcunet_pack_matmul. Scratch:
// mcunet_conv2d_dilated_scratch_bytes. Not in place.
void mcunet_conv2d_dilated(const int8_t* input, int8_t* output,
                           const struct mcunet_conv2d_dilated_layer* layer, const void* weights,
                           void* scratch);

// The transposed one of a convolution without dilation. The padding is that of the convolution from
// output to input; pads beyond it give the bias. Weights: for every remainder of rows by the stride,
// and of columns within it, mcunet_pack_matmul of mcunet_transpose_conv2d_part. Scratch:
// mcunet_transpose_conv2d_scratch_bytes. Not in place.
void mcunet_transpose_conv2d(const int8_t* input, int8_t* output,
                             const struct mcunet_conv2d_layer* layer, const void* weights,
                             void* scratch);

// ---- Depthwise convolution ----

struct mcunet_depthwise_layer {
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
// Every window must touch the map: no padding as high or wide as the window.
// Weights: mcunet_pack_depthwise. Scratch: mcunet_depthwise_scratch_bytes, or better
// mcunet_depthwise_whole_scratch_bytes; `scratch_bytes` decides which way is taken.
// The output may overwrite the input, at the same address or a number of whole pixels before it, if
// output_width <= input_width.
void mcunet_depthwise_conv2d_1x3_s1(const int8_t* input, int8_t* output,
                                    const struct mcunet_depthwise_layer* layer, const void* weights,
                                    void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_1x3_s2(const int8_t* input, int8_t* output,
                                    const struct mcunet_depthwise_layer* layer, const void* weights,
                                    void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_1x5_s1(const int8_t* input, int8_t* output,
                                    const struct mcunet_depthwise_layer* layer, const void* weights,
                                    void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_1x5_s2(const int8_t* input, int8_t* output,
                                    const struct mcunet_depthwise_layer* layer, const void* weights,
                                    void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_1x7_s1(const int8_t* input, int8_t* output,
                                    const struct mcunet_depthwise_layer* layer, const void* weights,
                                    void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_1x7_s2(const int8_t* input, int8_t* output,
                                    const struct mcunet_depthwise_layer* layer, const void* weights,
                                    void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_3x3_s1(const int8_t* input, int8_t* output,
                                    const struct mcunet_depthwise_layer* layer, const void* weights,
                                    void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_3x3_s2(const int8_t* input, int8_t* output,
                                    const struct mcunet_depthwise_layer* layer, const void* weights,
                                    void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_5x5_s1(const int8_t* input, int8_t* output,
                                    const struct mcunet_depthwise_layer* layer, const void* weights,
                                    void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_5x5_s2(const int8_t* input, int8_t* output,
                                    const struct mcunet_depthwise_layer* layer, const void* weights,
                                    void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_7x7_s1(const int8_t* input, int8_t* output,
                                    const struct mcunet_depthwise_layer* layer, const void* weights,
                                    void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_7x7_s2(const int8_t* input, int8_t* output,
                                    const struct mcunet_depthwise_layer* layer, const void* weights,
                                    void* scratch, int32_t scratch_bytes);

struct mcunet_depthwise_any_layer {
  struct mcunet_conv2d_layer window;
  int32_t depth_multiplier;  // output_channels / input_channels
  int16_t dilation_height;   // distance between the taps
  int16_t dilation_width;
};

// Any window, dilation and depth multiplier. Weights: mcunet_pack_depthwise. Not in place.
void mcunet_depthwise_conv2d(const int8_t* input, int8_t* output,
                             const struct mcunet_depthwise_any_layer* layer, const void* weights);

// ---- Fully connected ----

struct mcunet_fully_connected_layer {
  int32_t batches;
  int32_t input_features;
  int32_t output_features;
  struct mcunet_output output;
};

// Weights: mcunet_pack_matmul. Scratch: mcunet_fully_connected_scratch_bytes.
void mcunet_fully_connected(const int8_t* input, int8_t* output,
                            const struct mcunet_fully_connected_layer* layer, const void* weights,
                            void* scratch);
// The same without scratch: for a few outputs as fast or faster, for many slower.
void mcunet_fully_connected_few(const int8_t* input, int8_t* output,
                                const struct mcunet_fully_connected_layer* layer,
                                const void* weights);

// a[matrices][rows][depth] times b, whose matrices have `columns`: each of a's rows by each of b's columns.
struct mcunet_batch_matmul_layer {
  int32_t matrices;
  int32_t rows;
  int32_t depth;
  int32_t columns;
  int32_t stride;  // from one matrix of a to the next; 0: it is the same for all
  // Of b: from one matrix to the next, or 0, and within it from one row and column to the next.
  int32_t strides[3];
  int32_t zero_points[2];  // of a, b
  int32_t multiplier;      // of 2^31
  int32_t shift;           // to the right
  struct mcunet_output output;
};

// Scratch: mcunet_batch_matmul_scratch_bytes. Not in place.
void mcunet_batch_matmul(const int8_t* a, const int8_t* b, int8_t* output,
                         const struct mcunet_batch_matmul_layer* layer, void* scratch);

// ---- Recurrent ----

enum { MCUNET_GATES = 4 };  // input, forget, cell, output

// A factor: doubled / 2^32 / 2^shift, see requantize.h. A shift below 1 may stand with any of them.
struct mcunet_factor {
  int32_t doubled;
  int32_t shift;
};

struct mcunet_lstm_layer {
  int32_t steps;
  int32_t features;
  int32_t cells;
  // From sums to gates in Q3.12: over the features, and over the hidden state.
  struct mcunet_factor input[MCUNET_GATES];
  struct mcunet_factor recurrent[MCUNET_GATES];
  int32_t cell_exponent;  // cells are multiples of two to the power of this, -30 to 2
  int32_t cell_min;       // int16, to which they are clipped
  int32_t cell_max;
  struct mcunet_factor hidden_factor;  // from Q0.30
  int32_t hidden_zero_point;
};

// input[steps][features] to output[steps][cells]. `hidden` and `cell`, of as many values as there are cells, are
// read and then hold what the last step left. Weights: mcunet_pack_lstm. Scratch: mcunet_lstm_scratch_bytes.
void mcunet_lstm(const int8_t* input, int8_t* output, const struct mcunet_lstm_layer* layer,
                 const void* weights, int8_t* hidden, int16_t* cell, void* scratch);

// ---- Weights of four bits ----

// The functions above for weights of -8 … 7, two in a byte; all else is the same. Weights:
// mcunet_pack_matmul_s4, mcunet_pack_depthwise_s4.
void mcunet_conv2d_1x1_s4(const int8_t* input, int8_t* output,
                          const struct mcunet_conv2d_1x1_layer* layer, const void* weights,
                          void* scratch);
void mcunet_conv2d_s4(const int8_t* input, int8_t* output, const struct mcunet_conv2d_layer* layer,
                      const void* weights, void* scratch, int32_t scratch_bytes);
void mcunet_conv2d_dilated_s4(const int8_t* input, int8_t* output,
                              const struct mcunet_conv2d_dilated_layer* layer, const void* weights,
                              void* scratch);
void mcunet_depthwise_conv2d_1x3_s1_s4(const int8_t* input, int8_t* output,
                                       const struct mcunet_depthwise_layer* layer,
                                       const void* weights, void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_1x3_s2_s4(const int8_t* input, int8_t* output,
                                       const struct mcunet_depthwise_layer* layer,
                                       const void* weights, void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_1x5_s1_s4(const int8_t* input, int8_t* output,
                                       const struct mcunet_depthwise_layer* layer,
                                       const void* weights, void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_1x5_s2_s4(const int8_t* input, int8_t* output,
                                       const struct mcunet_depthwise_layer* layer,
                                       const void* weights, void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_1x7_s1_s4(const int8_t* input, int8_t* output,
                                       const struct mcunet_depthwise_layer* layer,
                                       const void* weights, void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_1x7_s2_s4(const int8_t* input, int8_t* output,
                                       const struct mcunet_depthwise_layer* layer,
                                       const void* weights, void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_3x3_s1_s4(const int8_t* input, int8_t* output,
                                       const struct mcunet_depthwise_layer* layer,
                                       const void* weights, void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_3x3_s2_s4(const int8_t* input, int8_t* output,
                                       const struct mcunet_depthwise_layer* layer,
                                       const void* weights, void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_5x5_s1_s4(const int8_t* input, int8_t* output,
                                       const struct mcunet_depthwise_layer* layer,
                                       const void* weights, void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_5x5_s2_s4(const int8_t* input, int8_t* output,
                                       const struct mcunet_depthwise_layer* layer,
                                       const void* weights, void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_7x7_s1_s4(const int8_t* input, int8_t* output,
                                       const struct mcunet_depthwise_layer* layer,
                                       const void* weights, void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_7x7_s2_s4(const int8_t* input, int8_t* output,
                                       const struct mcunet_depthwise_layer* layer,
                                       const void* weights, void* scratch, int32_t scratch_bytes);
void mcunet_depthwise_conv2d_s4(const int8_t* input, int8_t* output,
                                const struct mcunet_depthwise_any_layer* layer,
                                const void* weights);
void mcunet_fully_connected_s4(const int8_t* input, int8_t* output,
                               const struct mcunet_fully_connected_layer* layer,
                               const void* weights, void* scratch);
void mcunet_fully_connected_few_s4(const int8_t* input, int8_t* output,
                                   const struct mcunet_fully_connected_layer* layer,
                                   const void* weights);

// ---- Activations of four bits ----

// Values of -8 … 7, laid out as in nibble_pixels.h; a8a4 takes int8 and makes four bits, and so on. A layer's zero
// points and bounds are those of what is stored and computed: of an input of four bits the zero point is 8
// more, of an output zero point and bounds are 120 less, where an upper bound of 7 becomes 127.
// Weights: as above, of pixels whose channels are filled up with zeros to a multiple of 8 where the input has
// four bits. Scratch: mcunet_conv2d_1x1_narrow_scratch_bytes, mcunet_conv2d_narrow_scratch_bytes. The output may
// overlap the input by the rules of the functions for int8, with bytes of pixels and rows in place of channels.
void mcunet_conv2d_1x1_a8a4(const int8_t* input, int8_t* output,
                            const struct mcunet_conv2d_1x1_layer* layer, const void* weights,
                            void* scratch);
void mcunet_conv2d_a8a4(const int8_t* input, int8_t* output,
                        const struct mcunet_conv2d_layer* layer, const void* weights, void* scratch,
                        int32_t scratch_bytes);
void mcunet_conv2d_1x1_a4a4(const int8_t* input, int8_t* output,
                            const struct mcunet_conv2d_1x1_layer* layer, const void* weights,
                            void* scratch);
void mcunet_conv2d_a4a4(const int8_t* input, int8_t* output,
                        const struct mcunet_conv2d_layer* layer, const void* weights, void* scratch,
                        int32_t scratch_bytes);
void mcunet_conv2d_1x1_a4a8(const int8_t* input, int8_t* output,
                            const struct mcunet_conv2d_1x1_layer* layer, const void* weights,
                            void* scratch);
void mcunet_conv2d_a4a8(const int8_t* input, int8_t* output,
                        const struct mcunet_conv2d_layer* layer, const void* weights, void* scratch,
                        int32_t scratch_bytes);
void mcunet_conv2d_1x1_a8a4_s4(const int8_t* input, int8_t* output,
                               const struct mcunet_conv2d_1x1_layer* layer, const void* weights,
                               void* scratch);
void mcunet_conv2d_a8a4_s4(const int8_t* input, int8_t* output,
                           const struct mcunet_conv2d_layer* layer, const void* weights,
                           void* scratch, int32_t scratch_bytes);
void mcunet_conv2d_1x1_a4a4_s4(const int8_t* input, int8_t* output,
                               const struct mcunet_conv2d_1x1_layer* layer, const void* weights,
                               void* scratch);
void mcunet_conv2d_a4a4_s4(const int8_t* input, int8_t* output,
                           const struct mcunet_conv2d_layer* layer, const void* weights,
                           void* scratch, int32_t scratch_bytes);
void mcunet_conv2d_1x1_a4a8_s4(const int8_t* input, int8_t* output,
                               const struct mcunet_conv2d_1x1_layer* layer, const void* weights,
                               void* scratch);
void mcunet_conv2d_a4a8_s4(const int8_t* input, int8_t* output,
                           const struct mcunet_conv2d_layer* layer, const void* weights,
                           void* scratch, int32_t scratch_bytes);

// A specialised depthwise convolution, whose window is one of those below. Scratch:
// mcunet_depthwise_narrow_scratch_bytes, or better mcunet_depthwise_whole_narrow_scratch_bytes. In place as these.
struct mcunet_depthwise_kernel;
extern const struct mcunet_depthwise_kernel mcunet_depthwise_conv2d_1x3_s1_window;
extern const struct mcunet_depthwise_kernel mcunet_depthwise_conv2d_1x3_s1_s4_window;
extern const struct mcunet_depthwise_kernel mcunet_depthwise_conv2d_1x3_s2_window;
extern const struct mcunet_depthwise_kernel mcunet_depthwise_conv2d_1x3_s2_s4_window;
extern const struct mcunet_depthwise_kernel mcunet_depthwise_conv2d_1x5_s1_window;
extern const struct mcunet_depthwise_kernel mcunet_depthwise_conv2d_1x5_s1_s4_window;
extern const struct mcunet_depthwise_kernel mcunet_depthwise_conv2d_1x5_s2_window;
extern const struct mcunet_depthwise_kernel mcunet_depthwise_conv2d_1x5_s2_s4_window;
extern const struct mcunet_depthwise_kernel mcunet_depthwise_conv2d_1x7_s1_window;
extern const struct mcunet_depthwise_kernel mcunet_depthwise_conv2d_1x7_s1_s4_window;
extern const struct mcunet_depthwise_kernel mcunet_depthwise_conv2d_1x7_s2_window;
extern const struct mcunet_depthwise_kernel mcunet_depthwise_conv2d_1x7_s2_s4_window;
extern const struct mcunet_depthwise_kernel mcunet_depthwise_conv2d_3x3_s1_window;
extern const struct mcunet_depthwise_kernel mcunet_depthwise_conv2d_3x3_s1_s4_window;
extern const struct mcunet_depthwise_kernel mcunet_depthwise_conv2d_3x3_s2_window;
extern const struct mcunet_depthwise_kernel mcunet_depthwise_conv2d_3x3_s2_s4_window;
extern const struct mcunet_depthwise_kernel mcunet_depthwise_conv2d_5x5_s1_window;
extern const struct mcunet_depthwise_kernel mcunet_depthwise_conv2d_5x5_s1_s4_window;
extern const struct mcunet_depthwise_kernel mcunet_depthwise_conv2d_5x5_s2_window;
extern const struct mcunet_depthwise_kernel mcunet_depthwise_conv2d_5x5_s2_s4_window;
extern const struct mcunet_depthwise_kernel mcunet_depthwise_conv2d_7x7_s1_window;
extern const struct mcunet_depthwise_kernel mcunet_depthwise_conv2d_7x7_s1_s4_window;
extern const struct mcunet_depthwise_kernel mcunet_depthwise_conv2d_7x7_s2_window;
extern const struct mcunet_depthwise_kernel mcunet_depthwise_conv2d_7x7_s2_s4_window;
void mcunet_depthwise_conv2d_a4a4(const int8_t* input, int8_t* output,
                                  const struct mcunet_depthwise_layer* layer, const void* weights,
                                  void* scratch, int32_t scratch_bytes,
                                  const struct mcunet_depthwise_kernel* window);

// ---- Pooling ----

struct mcunet_pool2d_layer {
  int32_t input_height;
  int32_t input_width;
  int32_t output_height;
  int32_t output_width;
  int32_t channels;
  int16_t kernel_height;
  int16_t kernel_width;
  int16_t stride_height;
  int16_t stride_width;
  int16_t pad_top;
  int16_t pad_left;
  int32_t min;  // the fused activation, as quantized bounds
  int32_t max;
};

// Padding does not count. Input and output have the same scale.
void mcunet_average_pool2d(const int8_t* input, int8_t* output,
                           const struct mcunet_pool2d_layer* layer);
void mcunet_max_pool2d(const int8_t* input, int8_t* output,
                       const struct mcunet_pool2d_layer* layer);

// Of activations of four bits, laid out as in nibble_pixels.h; min and max are those of nibbles, 0 … 15.
void mcunet_average_pool2d_a4a4(const int8_t* input, int8_t* output,
                                const struct mcunet_pool2d_layer* layer);
void mcunet_max_pool2d_a4a4(const int8_t* input, int8_t* output,
                            const struct mcunet_pool2d_layer* layer);

// The mean over the middle axis of input[outer][reduced][inner], or with another factor the sum.
struct mcunet_mean_layer {
  int32_t outer;
  int32_t reduced;
  int32_t inner;
  int32_t input_zero_point;
  // input scale / output scale / reduced: with m, s (to the right) of the ratio of the scales and
  // n = floor(log2(reduced)), (m << n) / reduced and s + n. May be less than 2^30. Of a sum m and s.
  int32_t multiplier;
  int32_t shift;  // to the right
  struct mcunet_output output;
};

// The output may overwrite the input if outer is 1.
void mcunet_mean(const int8_t* input, int8_t* output, const struct mcunet_mean_layer* layer);

// Of pixels of four bits, nibbles as in nibble_pixels.h: outer is 1, and the input's zero point is 8 more.
void mcunet_mean_a4a8(const int8_t* input, int8_t* output, const struct mcunet_mean_layer* layer);

// The mean over rows and channels of input[rows][columns][channels], one value per column.
struct mcunet_mean_apart_layer {
  int32_t rows;
  int32_t columns;
  int32_t channels;
  int32_t input_zero_point;
  int32_t multiplier;  // as in mcunet_mean_layer, of rows * channels values
  int32_t shift;       // to the right
  struct mcunet_output output;
};

// Not in place.
void mcunet_mean_apart(const int8_t* input, int8_t* output,
                       const struct mcunet_mean_apart_layer* layer);

// The largest or the smallest values along any axes of input[sizes[0]][sizes[1]][sizes[2]].
struct mcunet_reduce_extremum_layer {
  int32_t sizes[3];
  int32_t strides[3];  // how far apart neighbours along each axis lie in the output; 0: reduced
  int32_t outputs;
};

// Not in place.
void mcunet_reduce_max(const int8_t* input, int8_t* output,
                       const struct mcunet_reduce_extremum_layer* layer);
void mcunet_reduce_min(const int8_t* input, int8_t* output,
                       const struct mcunet_reduce_extremum_layer* layer);

// ---- Elementwise ----

struct mcunet_operand {
  int32_t zero_point;
  int32_t multiplier;  // of 2^31; of sums and differences, and a of prelu
  int32_t shift;       // to the right
};

// a and the output have `elements` values. b has `period` and is repeated: as many values, one per
// channel, or one.
struct mcunet_elementwise_layer {
  int32_t elements;
  int32_t period;
  struct mcunet_operand operands[2];  // a, b
  int32_t multiplier;
  int32_t shift;  // to the right
  struct mcunet_output output;
};

// Sums and differences are formed with 20 bits of headroom: operands' multipliers are their scales
// over twice the larger one, the output's is twice the larger one over 2^20 output scales. The
// output may overwrite a, or b if it has as many elements.
void mcunet_add(const int8_t* a, const int8_t* b, int8_t* output,
                const struct mcunet_elementwise_layer* layer);
void mcunet_sub(const int8_t* a, const int8_t* b, int8_t* output,
                const struct mcunet_elementwise_layer* layer);
void mcunet_mul(const int8_t* a, const int8_t* b, int8_t* output,
                const struct mcunet_elementwise_layer* layer);
// Squares of differences with 7 bits of headroom, which have operands' multipliers as sums have them; the output's
// is the square of twice the larger scale over 2^14 output scales.
void mcunet_squared_difference(const int8_t* a, const int8_t* b, int8_t* output,
                               const struct mcunet_elementwise_layer* layer);
// a where it is not negative, else its product with the slope b: that has the layer's multiplier, a its
// operand's.
void mcunet_prelu(const int8_t* a, const int8_t* b, int8_t* output,
                  const struct mcunet_elementwise_layer* layer);

// Either operand repeats along any axes. `elements` and `period` of `values` do not matter.
struct mcunet_broadcast_layer {
  struct mcunet_elementwise_layer values;
  int32_t sizes[3];       // of the output: height, width, channels
  int32_t strides[2][3];  // of a and b: how far apart neighbours along each axis lie, or 0
};

// The same operators, slowly. The output may overwrite an operand that has as many elements.
void mcunet_add_broadcast(const int8_t* a, const int8_t* b, int8_t* output,
                          const struct mcunet_broadcast_layer* layer);
void mcunet_sub_broadcast(const int8_t* a, const int8_t* b, int8_t* output,
                          const struct mcunet_broadcast_layer* layer);
void mcunet_mul_broadcast(const int8_t* a, const int8_t* b, int8_t* output,
                          const struct mcunet_broadcast_layer* layer);
void mcunet_squared_difference_broadcast(const int8_t* a, const int8_t* b, int8_t* output,
                                         const struct mcunet_broadcast_layer* layer);
void mcunet_prelu_broadcast(const int8_t* a, const int8_t* b, int8_t* output,
                            const struct mcunet_broadcast_layer* layer);

// Operands that repeat along some axes.
struct mcunet_extremum_layer {
  int32_t sizes[3];       // of the output
  int32_t strides[2][3];  // of a and b: how far apart neighbours along each axis lie, or 0
};

// The larger or the smaller of each two values; all have the same scale. The output may overwrite an
// operand that has as many elements.
void mcunet_maximum(const int8_t* a, const int8_t* b, int8_t* output,
                    const struct mcunet_extremum_layer* layer);
void mcunet_minimum(const int8_t* a, const int8_t* b, int8_t* output,
                    const struct mcunet_extremum_layer* layer);

// Any function of one value: table[128 + input]. Serves activations that stand alone (RELU, LOGISTIC, GELU, …),
// other functions of one value (RSQRT, ABS, …) and requantization (QUANTIZE), of uint8 too if the table is made for
// its bytes read as int8. May work in place.
void mcunet_lookup(const int8_t* input, int8_t* output, int32_t elements, const int8_t* table);

// Any function of two values of four bits: table[16 * a + b], of nibbles as they are stored. May work in place.
void mcunet_lookup_nibbles(const int8_t* a, const int8_t* b, int8_t* output, int32_t bytes,
                           const uint8_t* table);

struct mcunet_softmax_layer {
  int32_t rows;
  int32_t depth;
  int32_t multiplier;  // of 2^31: input scale * beta with 5 integer bits
  int32_t left_shift;
  int32_t min_difference;  // from the largest value; what is farther away becomes 0
};

// May work in place.
void mcunet_softmax(const int8_t* input, int8_t* output, const struct mcunet_softmax_layer* layer);

struct mcunet_log_softmax_layer {
  int32_t rows;
  int32_t depth;       // less than 4096
  int32_t multiplier;  // of 2^31: input scale with 5 integer bits
  int32_t left_shift;
  int32_t min_difference;      // from the largest value; what is farther away counts as nothing
  int32_t inverse_multiplier;  // of 2^31: 1 / input scale, from 5 integer bits
  int32_t inverse_shift;       // to the right
};

// Of scale 1/16 and zero point 127. May work in place.
void mcunet_log_softmax(const int8_t* input, int8_t* output,
                        const struct mcunet_log_softmax_layer* layer);

// ---- Real numbers ----

// The int8 or uint8 form of a tensor of float: real value = scale * (value - zero_point).
struct mcunet_conversion_layer {
  int32_t elements;
  float scale;
  int32_t zero_point;
  int32_t min;  // -128 or 0
};

// Divided by the scale, rounded with halves away from zero, saturated; what is no number becomes
// the zero point. `input` is 4-byte aligned. The output may begin where the input does.
void mcunet_quantize(const float* input, int8_t* output,
                     const struct mcunet_conversion_layer* layer);

// Not in place.
void mcunet_dequantize(const int8_t* input, float* output,
                       const struct mcunet_conversion_layer* layer);

// ---- Layout ----

struct mcunet_copy_channels_layer {
  int32_t pixels;
  int32_t channels;
  int32_t output_stride;  // channels of the output
};

// One input of a concatenation along the channels; `output` points at its first channel. `table`
// requantizes as in mcunet_lookup, or is null.
void mcunet_copy_channels(const int8_t* input, int8_t* output,
                          const struct mcunet_copy_channels_layer* layer, const int8_t* table);

struct mcunet_pad_layer {
  int32_t input_height;
  int32_t input_width;
  int32_t channels;
  int32_t top;
  int32_t bottom;
  int32_t left;
  int32_t right;
  int32_t value;
};

void mcunet_pad(const int8_t* input, int8_t* output, const struct mcunet_pad_layer* layer);

struct mcunet_pad_channels_layer {
  struct mcunet_pad_layer border;
  int32_t before;
  int32_t after;
};

// Pads the channels of every pixel as well.
void mcunet_pad_channels(const int8_t* input, int8_t* output,
                         const struct mcunet_pad_channels_layer* layer);

// Axes exchanged: the output's sizes, and how far apart its neighbours along each axis lie in the
// input.
struct mcunet_transpose_layer {
  int32_t sizes[3];
  int32_t strides[3];
};

// Not in place.
void mcunet_transpose(const int8_t* input, int8_t* output,
                      const struct mcunet_transpose_layer* layer);

// Of values of four bytes.
void mcunet_transpose_words(const int8_t* input, int8_t* output,
                            const struct mcunet_transpose_layer* layer);

// A part of a tensor: the output's sizes, where its first element lies in the input, and how far
// apart neighbours along each axis lie there.
struct mcunet_slice_layer {
  int32_t begin;
  int32_t sizes[3];
  int32_t strides[3];
};

// The output may begin where the input does, if no stride is negative.
void mcunet_slice(const int8_t* input, int8_t* output, const struct mcunet_slice_layer* layer);

struct mcunet_resize_nearest_layer {
  int32_t input_width;
  int32_t channels;
  int32_t output_height;
  int32_t output_width;
};

// rows[output_height] and columns[output_width] name the input row and column of each output one; serves
// MIRROR_PAD, too.
void mcunet_resize_nearest(const int8_t* input, int8_t* output,
                           const struct mcunet_resize_nearest_layer* layer, const uint16_t* rows,
                           const uint16_t* columns);

struct mcunet_resize_bilinear_layer {
  int32_t input_width;
  int32_t channels;
  int32_t output_height;
  int32_t output_width;
};

// Between rows or columns `first` and `second` of the input, `weight` 1024ths of the way.
struct mcunet_interpolation {
  uint16_t first;
  uint16_t second;
  uint16_t weight;
};

// rows[output_height] and columns[output_width]. Not in place.
void mcunet_resize_bilinear(const int8_t* input, int8_t* output,
                            const struct mcunet_resize_bilinear_layer* layer,
                            const struct mcunet_interpolation* rows,
                            const struct mcunet_interpolation* columns);

// ---- Several operators, in bands of rows ----

enum { MCUNET_BAND_INPUTS = 4 };

// What an operator computes at a time: some rows of its output.
struct mcunet_band {
  const int8_t* inputs[MCUNET_BAND_INPUTS];  // the first row that is read of each
  int8_t* output;
  int32_t first_row;   // of the output
  int32_t rows;        // of the output
  int32_t input_rows;  // of the first input
  int32_t pad_top;     // rows of padding above them
};

// An operator, or a tensor that is there already or comes in rows.
struct mcunet_stage {
  void (*compute)(const struct mcunet_band* band);  // null: a tensor
  int8_t* rows;                                     // of the output, that are held
  int32_t row_bytes;  // 0: what is read of it is the same for every row
  int32_t height;     // rows of the output in all
  // Before band b, rows_per_band * b + lead rows are computed; in it, rows from rows_per_band * b + kept
  // on are held: both within the map. Of a tensor that is held as a whole, `kept` is
  // MCUNET_WHOLE_TENSOR. Up to `above` rows above the map have a place in memory, though nothing is there.
  int32_t rows_per_band;
  int32_t lead;
  int32_t kept;
  int32_t above;
  int16_t span;  // rows of a window, the last one included
  int16_t stride;
  int16_t pad;  // rows above the map where the first window begins
  int16_t input_count;
  uint16_t inputs[MCUNET_BAND_INPUTS];  // numbers of stages before it
};

enum { MCUNET_WHOLE_TENSOR = -(1 << 30) };

// Moves what lies at `from` up by a multiple of 4 bytes, so that an output can follow it through memory.
// `bytes` is rounded up to a multiple of 4; `from` is 4-byte aligned.
void mcunet_move_up(int8_t* from, int32_t bytes, int32_t by);

// Adds the rows of a band, of `width` pixels each, to a sum for each channel; before the first row the sums
// are set to 0. What takes its input so has the input's rows for its own.
void mcunet_accumulate(const struct mcunet_band* band, int32_t width, int32_t channels,
                       int32_t* sums);

// From such sums, of layer->inner channels, what mcunet_mean makes of the values.
void mcunet_mean_of_sums(const int32_t* sums, int8_t* output,
                         const struct mcunet_mean_layer* layer);

// Likewise, what mcunet_average_pool2d makes of `count` values under its one window.
void mcunet_average_of_sums(const int32_t* sums, int32_t count, int8_t* output,
                            const struct mcunet_pool2d_layer* layer);

// Runs all stages for band after band. Between bands, rows that are still to be read move to the
// beginning of their memory.
void mcunet_stream(const struct mcunet_stage* stages, int32_t count, int32_t first_band,
                   int32_t end_band);

// ---- Inputs of pixels ----

// `count` pixels of 5, 6 and 5 bits in little-endian half-words; of Y, U, Y, V for two pixels, as ITU-R BT.601
// has them from 16 to 235; of a byte -> red, green and blue, or one channel of luminance, less 128.
void mcunet_rgb565_to_input(const uint8_t* pixels, int32_t count, int8_t* output, int32_t channels);
void mcunet_yuv422_to_input(const uint8_t* pixels, int32_t count, int8_t* output, int32_t channels);
void mcunet_gray_to_input(const uint8_t* pixels, int32_t count, int8_t* output, int32_t channels);

#ifdef __cplusplus
}
#endif

#endif  // MCUNET_KERNELS_H_
