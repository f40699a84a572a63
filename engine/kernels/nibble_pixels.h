#ifndef MCUNET_KERNELS_NIBBLE_PIXELS_H_
#define MCUNET_KERNELS_NIBBLE_PIXELS_H_

// Activations of four bits. Internal to the kernels.
//
// A nibble is a value of -8 … 7, plus 8. Every pixel begins a word, and a word is eight channels: byte i
// holds channel i in its low and channel 4 + i in its high nibble. Nibbles without a channel are 0. So AND
// with a constant gives a pair of int16, as SXTB16 does of bytes.
//
// Kernels compute bytes as if for int8, with a zero point that is 120 less: -128 stands for a nibble of 0,
// and saturation to int8 is what clips there. What is above 15 is clipped when bytes become nibbles.

#include "dsp.h"
#include "mcunet_kernels.h"

// Channels that have a nibble, and bytes of a pixel.
MCUNET_INLINE int32_t mcunet_nibbles_of_pixel(int32_t channels) { return (channels + 7) & ~7; }
MCUNET_INLINE int32_t mcunet_nibble_pixel_bytes(int32_t channels) {
  return mcunet_nibbles_of_pixel(channels) / 2;
}

// Channel i of the first or, `high`, channel 4 + i of a word whose byte i is given.
MCUNET_INLINE int32_t mcunet_nibble_of(int8_t byte, int high) {
  return ((uint8_t)byte >> (high ? 4 : 0)) & 15;
}

// Four bytes as computed to what nibbles hold of them.
MCUNET_INLINE uint32_t mcunet_clip_to_nibbles(uint32_t bytes) {
  const uint32_t values = bytes ^ 0x80808080u;
#if MCUNET_DSP
  return __uqadd8(values, 0xf0f0f0f0u) & 0x0f0f0f0fu;
#else
  const uint32_t beyond = ((values >> 4 & 0x0f0f0f0fu) + 0x0f0f0f0fu) & 0x10101010u;
  return (values | (beyond - (beyond >> 4))) & 0x0f0f0f0fu;
#endif
}

// From a byte per channel, eight for each word of nibbles, to so many words.
void mcunet_pack_nibbles(const int8_t* bytes, int8_t* nibbles, int32_t words);

#endif  // MCUNET_KERNELS_NIBBLE_PIXELS_H_
