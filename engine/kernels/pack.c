#include "pack.h"

#include <string.h>

#include "depthwise_rows.h"
#include "lstm.h"
#include "matmul_columns_s4.h"
#include "nibbles.h"

int mcunet_requantize_mode(int32_t multiplier, int32_t shift, const struct mcunet_output* output) {
  if (output->min != -128 || output->max != 127 || shift < 1 || shift > 31 ||
      multiplier < (1 << 30)) {
    return MCUNET_REQUANTIZE_GENERAL;
  }
  return output->zero_point == -128 ? MCUNET_REQUANTIZE_RELU : MCUNET_REQUANTIZE_LINEAR;
}

static int32_t doubled(int32_t multiplier) { return (int32_t)((uint32_t)multiplier << 1); }

size_t mcunet_packed_matmul_bytes(int32_t output_channels, int32_t depth) {
  return (size_t)((output_channels + 1) / 2) *
         (size_t)mcunet_pair_bytes(mcunet_padded_depth(depth));
}

static int32_t folded_bias(const struct mcunet_filter* filter, int32_t depth, int32_t channel) {
  uint32_t sum = 0;
  for (int32_t k = 0; k < depth; ++k) {
    sum += (uint32_t)filter->weights[(ptrdiff_t)channel * depth + k];
  }
  const int32_t bias = filter->bias != NULL ? filter->bias[channel] : 0;
  return (int32_t)((uint32_t)bias - (uint32_t)filter->input_zero_point * sum);
}

// Bias, multipliers and all that follows of channels first and first + 1; they stand where the layout has them.
static void pack_channels(const struct mcunet_filter* filter, int32_t depth, int32_t first,
                          uint8_t* bias, uint8_t* tail) {
  const int32_t channels = filter->output_channels - first >= 2 ? 2 : 1;
  // A lone channel takes the general way, which is the one that counts channels.
  int mode = channels == 2 ? MCUNET_REQUANTIZE_RELU : MCUNET_REQUANTIZE_GENERAL;
  for (int32_t i = 0; i < channels; ++i) {
    const int32_t channel = first + i;
    const int32_t folded = folded_bias(filter, depth, channel);
    memcpy(bias + 4 * i, &folded, sizeof folded);
    const int32_t multiplier = doubled(filter->multipliers[channel]);
    memcpy(tail + 4 * i, &multiplier, sizeof multiplier);
    tail[8 + i] = (uint8_t)filter->shifts[channel];
    const int own = mcunet_requantize_mode(filter->multipliers[channel], filter->shifts[channel],
                                           &filter->output);
    if (own > mode) mode = own;
  }
  tail[10] = (uint8_t)mode;
  tail[11] = (uint8_t)channels;
}

void mcunet_pack_matmul(const struct mcunet_filter* filter, int32_t depth, void* packed) {
  static const int kOrder[4] = {0, 2, 1, 3};  // of the values in two words
  const int32_t padded_depth = mcunet_padded_depth(depth);
  uint8_t* to = (uint8_t*)packed;
  memset(to, 0, mcunet_packed_matmul_bytes(filter->output_channels, depth));
  for (int32_t channel = 0; channel < filter->output_channels; ++channel) {
    uint8_t* const words = to + MCUNET_PAIR_HEAD_BYTES;
    for (int32_t k = 0; k < depth; ++k) {
      uint8_t* const word_pair = words + (k & ~3) * 2;
      word_pair[2 * kOrder[k & 3] + (channel & 1)] =
          (uint8_t)filter->weights[(ptrdiff_t)channel * depth + k];
    }
    if ((channel & 1) == 0) pack_channels(filter, depth, channel, to, words + 2 * padded_depth);
    if ((channel & 1) == 1) to += mcunet_pair_bytes(padded_depth);
  }
}

size_t mcunet_packed_matmul_bytes_s4(int32_t output_channels, int32_t depth) {
  return (size_t)((output_channels + 1) / 2) *
         (size_t)mcunet_pair_bytes_s4(mcunet_padded_depth(depth));
}

// Whether sums of this channel, times the scale that its nibbles have, may leave 32 bits.
static int exceeds_scaled_sums(const int8_t* weights, int32_t depth, int is_second) {
  int32_t sum = 0;
  for (int32_t k = 0; k < depth; ++k) sum += weights[k] < 0 ? -weights[k] : weights[k];
  return sum > (is_second ? MCUNET_MOST_WEIGHT_B : MCUNET_MOST_WEIGHT_A);
}

// But for the direction of its shift.
static int is_linear(const struct mcunet_filter* filter, int32_t channel) {
  return filter->output.min == -128 && filter->output.max == 127 &&
         filter->multipliers[channel] >= (1 << 30) && filter->shifts[channel] <= 31;
}

// Whether every channel of the pair is linear, but for the direction of its shift.
static int is_mixed(const struct mcunet_filter* filter, int32_t first) {
  return filter->output_channels - first >= 2 && is_linear(filter, first) &&
         is_linear(filter, first + 1);
}

void mcunet_pack_matmul_s4(const struct mcunet_filter* filter, int32_t depth, void* packed) {
  // Where the nibble of a value lies in its word, of the first and the second channel of a pair.
  static const int kNibble[2][4] = {{2, 0, 6, 4}, {3, 1, 7, 5}};
  const int32_t padded_depth = mcunet_padded_depth(depth);
  uint8_t* to = (uint8_t*)packed;
  memset(to, 0, mcunet_packed_matmul_bytes_s4(filter->output_channels, depth));
  for (int32_t first = 0; first < filter->output_channels; first += 2) {
    uint8_t* const bias = to + padded_depth;
    uint8_t* const tail = bias + MCUNET_PAIR_BIAS_BYTES;
    pack_channels(filter, depth, first, bias, tail);
    if (tail[10] == MCUNET_REQUANTIZE_GENERAL && is_mixed(filter, first)) {
      tail[10] = MCUNET_REQUANTIZE_MIXED;
    }
    for (int32_t i = 0; i < 2; ++i) {
      const int8_t* const weights = filter->weights + (ptrdiff_t)(first + i) * depth;
      const int32_t count = first + i < filter->output_channels ? depth : 0;
      for (int32_t k = 0; k < padded_depth; ++k) {
        const int nibble = kNibble[i][k & 3];
        const int is_signed = i == 1 && (k & 1) == 0;
        const int value = (k < count ? weights[k] : 0) + (is_signed ? 0 : 8);
        to[(k & ~3) + nibble / 2] |= (uint8_t)((value & 15) << 4 * (nibble & 1));
      }
      if (exceeds_scaled_sums(weights, count, i)) tail[10] = MCUNET_REQUANTIZE_EXACT;
    }
    to += mcunet_pair_bytes_s4(padded_depth);
  }
}

int32_t mcunet_transpose_conv2d_part(const struct mcunet_conv2d_layer* layer, const int8_t* weights,
                                     int32_t row_remainder, int32_t column_remainder,
                                     int8_t* part) {
  const int32_t rows =
      mcunet_transpose_conv2d_taps(layer->kernel_height, layer->stride_height, row_remainder);
  const int32_t columns =
      mcunet_transpose_conv2d_taps(layer->kernel_width, layer->stride_width, column_remainder);
  const int32_t channels = layer->input_channels;
  for (int32_t out = 0; out < layer->output_channels; ++out) {
    for (int32_t row = rows - 1; row >= 0; --row) {
      const int32_t ky = row_remainder + row * layer->stride_height;
      for (int32_t column = columns - 1; column >= 0; --column) {
        const int32_t kx = column_remainder + column * layer->stride_width;
        const ptrdiff_t tap =
            ((ptrdiff_t)out * layer->kernel_height + ky) * layer->kernel_width + kx;
        memcpy(part, weights + tap * channels, (size_t)channels);
        part += channels;
      }
    }
  }
  return rows * columns * channels;
}

size_t mcunet_packed_depthwise_bytes(int32_t channels, int32_t taps) {
  return (size_t)channels * (size_t)mcunet_depthwise_channel_bytes(taps);
}

// All of a channel but its weights.
static struct mcunet_depthwise_channel* pack_depthwise_channel(const struct mcunet_filter* filter,
                                                               int32_t c, void* where) {
  struct mcunet_depthwise_channel* const channel = (struct mcunet_depthwise_channel*)where;
  channel->bias = filter->bias != NULL ? filter->bias[c] : 0;
  channel->doubled = doubled(filter->multipliers[c]);
  channel->shift = (int8_t)filter->shifts[c];
  channel->mode =
      (uint8_t)mcunet_requantize_mode(filter->multipliers[c], filter->shifts[c], &filter->output);
  return channel;
}

void mcunet_pack_depthwise(const struct mcunet_filter* filter, int32_t taps, void* packed) {
  memset(packed, 0, mcunet_packed_depthwise_bytes(filter->output_channels, taps));
  uint8_t* to = (uint8_t*)packed;
  for (int32_t c = 0; c < filter->output_channels; ++c) {
    struct mcunet_depthwise_channel* const channel = pack_depthwise_channel(filter, c, to);
    for (int32_t tap = 0; tap < taps; ++tap) {
      channel->weights[tap] = filter->weights[(ptrdiff_t)tap * filter->output_channels + c];
    }
    to += mcunet_depthwise_channel_bytes(taps);
  }
}

size_t mcunet_packed_depthwise_bytes_s4(int32_t channels, int32_t taps) {
  return (size_t)channels * (size_t)mcunet_depthwise_channel_bytes(mcunet_nibble_bytes(taps));
}

void mcunet_pack_depthwise_s4(const struct mcunet_filter* filter, int32_t taps, void* packed) {
  memset(packed, 0, mcunet_packed_depthwise_bytes_s4(filter->output_channels, taps));
  uint8_t* to = (uint8_t*)packed;
  for (int32_t c = 0; c < filter->output_channels; ++c) {
    struct mcunet_depthwise_channel* const channel = pack_depthwise_channel(filter, c, to);
    if (is_linear(filter, c) && filter->shifts[c] < 1 &&
        filter->shifts[c] >= -MCUNET_MOST_SHIFT_UP) {
      channel->mode = MCUNET_REQUANTIZE_UP;
    }
    for (int32_t tap = 0; tap < taps; ++tap) {
      const int value = filter->weights[(ptrdiff_t)tap * filter->output_channels + c];
      mcunet_set_nibble(channel->weights, tap, value);
    }
    to += mcunet_depthwise_channel_bytes(mcunet_nibble_bytes(taps));
  }
}

size_t mcunet_packed_lstm_bytes(int32_t features, int32_t cells) {
  return (size_t)cells * (size_t)(mcunet_lstm_part_bytes(features) + mcunet_lstm_part_bytes(cells));
}

// What one cell's gates have for `values` of them, whose weights lie in [cells][values]; returns where it ends.
static uint8_t* pack_gates(const int8_t* const* weights, const int32_t* const* bias, int32_t cell,
                           int32_t values, int32_t zero_point, uint8_t* to) {
  // Of the values in the two halves of a block of four.
  static const int kByte[4] = {0, 8, 2, 10};
  uint8_t* const blocks = to + MCUNET_LSTM_HEAD_BYTES;
  for (int gate = 0; gate < MCUNET_GATES; ++gate) {
    const int8_t* const row = weights[gate] + (ptrdiff_t)cell * values;
    uint32_t sum = 0;
    for (int32_t k = 0; k < values; ++k) {
      sum += (uint32_t)row[k];
      uint8_t* const block = blocks + (k & ~3) * MCUNET_GATES;
      block[kByte[k & 3] + 4 * (gate >> 1) + (gate & 1)] = (uint8_t)row[k];
    }
    const uint32_t folded =
        (bias == NULL ? 0 : (uint32_t)bias[gate][cell]) - (uint32_t)zero_point * sum;
    memcpy(to + 4 * gate, &folded, sizeof folded);
  }
  return to + mcunet_lstm_part_bytes(values);
}

void mcunet_pack_lstm(const struct mcunet_lstm_weights* layer, void* packed) {
  uint8_t* to = (uint8_t*)packed;
  memset(to, 0, mcunet_packed_lstm_bytes(layer->features, layer->cells));
  for (int32_t cell = 0; cell < layer->cells; ++cell) {
    to = pack_gates(layer->input, layer->bias, cell, layer->features, layer->input_zero_point, to);
    to = pack_gates(layer->recurrent, NULL, cell, layer->cells, layer->hidden_zero_point, to);
  }
}
