#ifndef MCUNET_KERNELS_NIBBLES_H_
#define MCUNET_KERNELS_NIBBLES_H_

// Weights of four bits of a depthwise channel, as value + 8. Eight taps a word: byte i holds tap i in
// its low and tap 4 + i in its high nibble. What is left has as many bytes as taps, at most four: one
// tap of a square window of 3, 5 or 7, all taps of a window of one row. Internal to the kernels.

#include "depthwise_rows.h"

#define MCUNET_NIBBLE_BYTES(taps) ((taps) / 8 * 4 + ((taps) % 8 < 4 ? (taps) % 8 : 4))

MCUNET_INLINE int32_t mcunet_nibble_bytes(int32_t taps) { return MCUNET_NIBBLE_BYTES(taps); }

MCUNET_INLINE int32_t mcunet_nibble(const int8_t* nibbles, int32_t tap) {
  return ((uint8_t)nibbles[tap / 8 * 4 + tap % 4] >> (tap & 4) & 15) - 8;
}

// Into nibbles that are all 0 so far.
MCUNET_INLINE void mcunet_set_nibble(int8_t* nibbles, int32_t tap, int32_t value) {
  int8_t* const byte = &nibbles[tap / 8 * 4 + tap % 4];
  *byte = (int8_t)((uint8_t)*byte | (value + 8) << (tap & 4));
}

// The low nibbles of four bytes, less 8. In C 0x80 keeps each byte from borrowing of the next.
MCUNET_INLINE uint32_t mcunet_four_nibbles(uint32_t word) {
  const uint32_t nibbles = word & 0x0f0f0f0fu;
#if MCUNET_DSP
  return __usub8(nibbles, 0x08080808u);
#else
  return ((nibbles | 0x80808080u) - 0x08080808u) ^ 0x80808080u;
#endif
}

// The taps of a window, one per byte: of eight at a time, so that `bytes` has room for the next multiple
// of eight, but a last one alone.
MCUNET_INLINE void mcunet_unpack_window(const int8_t* nibbles, int32_t taps, int8_t* bytes) {
  for (; taps > 1; taps -= 8, nibbles += 4, bytes += 8) {
    const uint32_t word = mcunet_load_word(nibbles);
    mcunet_store_word(bytes, mcunet_four_nibbles(word));
    mcunet_store_word(bytes + 4, mcunet_four_nibbles(word >> 4));
  }
  if (taps == 1) *bytes = (int8_t)mcunet_nibble(nibbles, 0);
}

// Beside those of requantize.h: as linear, but for a shift to the left, or none. Weights and bias are multiplied
// by its power of two when the weights are widened.
enum { MCUNET_REQUANTIZE_UP = MCUNET_REQUANTIZE_GENERAL + 1, MCUNET_MOST_SHIFT_UP = 11 };

// Requantizes and stores a few outputs the general way. With four bits a step of a weight is worth more, and
// more channels have a factor that only this way takes.
void mcunet_depthwise_finish_s4(const int32_t* sums, int32_t count,
                                const struct mcunet_depthwise_row* row, int8_t* output);

#endif  // MCUNET_KERNELS_NIBBLES_H_
