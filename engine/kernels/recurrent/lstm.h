#ifndef MCUNET_KERNELS_LSTM_H_
#define MCUNET_KERNELS_LSTM_H_

// How the weights of an LSTM lie, cell by cell, first those for the features, then those for the hidden state:
//
//   int32  bias[4]           of the gates a, b, c, d, with the zero point folded in
//   int8   weights[4 * padded values]
//                            of every four values 0 … 3 a block: a0 b0 a2 b2, c0 d0 c2 d2, a1 b1 a3 b3, c1 d1 c3 d3
//
// SXTB16 with and without rotation makes of each word the pairs of two gates, for values that are widened to
// pairs likewise: (x0, x2), (x1, x3).

#include <stdint.h>

#include "scratch.h"

enum { MCUNET_LSTM_HEAD_BYTES = 16 };

static inline int32_t mcunet_lstm_part_bytes(int32_t values) {
  return MCUNET_LSTM_HEAD_BYTES + MCUNET_GATES * mcunet_lstm_padded(values);
}

#endif  // MCUNET_KERNELS_LSTM_H_
