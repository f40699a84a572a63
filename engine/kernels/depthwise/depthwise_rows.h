#ifndef MCUNET_KERNELS_DEPTHWISE_ROWS_H_
#define MCUNET_KERNELS_DEPTHWISE_ROWS_H_

// The part of the specialised depthwise convolutions that does not depend on the window's size.
// Internal to the kernels.
//
// Two channels are computed at a time:
//   1. their input rows are gathered from NHWC into rows of int16, one set for each channel, the
//      zero point subtracted and the padding at the sides zero, so that a word holds two
//      neighbouring taps;
//   2. an output row is the sum over the rows of the window, two taps per instruction;
//   3. it is written over whatever the output points at: all it needs has been copied out before.
//
// With scratch for all rows of two channels, they are gathered at once, and rows of the window that
// lie in the padding are skipped, which is much of a large window over a small map (3x3 windows
// have rows of zeros instead). With less, scratch is a ring of as many rows as the window has.
// Instead of turning the rows, the ring turns the weights: they are stored twice in a row, and the
// window starts at the tap that fits the ring's first row.
//
// Packed weights of a channel, padded to a multiple of 4 bytes:
//
//   int32 bias, int32 doubled, int8 shift, uint8 mode (see requantize.h), int8 weights[taps]
//
// or the weights in nibbles.h's layout.

#include "mcunet_kernels.h"
#include "requantize.h"
#include "scratch.h"

struct mcunet_depthwise_channel {
  int32_t bias;
  int32_t doubled;
  int8_t shift;
  uint8_t mode;
  int8_t weights[];
};

// As a macro it can be a constant.
#define MCUNET_DEPTHWISE_CHANNEL_BYTES(weight_bytes) ((10 + (weight_bytes) + 3) & ~3)
MCUNET_INLINE int32_t mcunet_depthwise_channel_bytes(int32_t weight_bytes) {
  return MCUNET_DEPTHWISE_CHANNEL_BYTES(weight_bytes);
}

// Widened weights of a row of the window: at stride 1 (w0 w1) (w2 w3) … (w1 w2) (w3 w4) …, for
// outputs at even and at odd columns; at stride 2 (w0 w1) (w2 w3) … (w_last 0).

// What the output rows of one channel share, and the extent of the current one. The assembly in
// depthwise_row_dsp.inc knows this order.
struct mcunet_depthwise_row {
  int32_t rows;  // of the window, to sum over; at least 1, of a 3x3 window all three
  int32_t outputs;
  int32_t channels;  // distance of outputs in bytes
  int32_t bias;
  int32_t doubled;
  int32_t shift;
  int32_t zero_point;
  int32_t mode;
  int32_t pitch_bytes;  // from one gathered row to the next
  int32_t output_rows;  // to compute, all of them with `rows`
  const struct mcunet_output* output;
};

// Computes output rows from gathered rows and their weights.
typedef void mcunet_depthwise_row_function(const uint32_t* weights, const int16_t* input,
                                           int8_t* output, const struct mcunet_depthwise_row* row);
typedef void mcunet_depthwise_widen_function(const int8_t* weights, uint32_t* pairs);

struct mcunet_depthwise_kernel {
  int32_t rows;    // of the window
  int32_t kernel;  // columns
  int32_t stride;
  int32_t channel_bytes;  // packed
  mcunet_depthwise_widen_function* widen_weights;
  mcunet_depthwise_row_function* compute_row;
};

void mcunet_depthwise_rows(const int8_t* input, int8_t* output,
                           const struct mcunet_depthwise_layer* layer, const void* weights,
                           void* scratch, int32_t scratch_bytes,
                           const struct mcunet_depthwise_kernel* kernel);

// Requantizes and stores a few outputs the general way.
void mcunet_depthwise_finish(const int32_t* sums, int32_t count,
                             const struct mcunet_depthwise_row* row, int8_t* output);

#endif  // MCUNET_KERNELS_DEPTHWISE_ROWS_H_
