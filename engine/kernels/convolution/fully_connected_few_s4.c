// With weights of four bits, one AND makes a pair of int16 of a word of weights, as in
// matmul_columns_s4.c. Here it shifts the word first, so that every nibble comes to the top of its
// half, where it has a sign; those that are stored plus 8 have it once their highest bit is
// inverted. So all sums have one factor, 4096, and nothing is to be subtracted: what columns do for
// that, sums of the input, pays off for more channels only.
//
// Values are taken in blocks whose sums, times 4096, stay within 32 bits whatever the weights are,
// so that pairs that are MCUNET_REQUANTIZE_EXACT need no way of their own.

#include "matmul_columns_s4.h"

#define FUNCTION mcunet_fully_connected_few_s4
#define PAIR_BYTES mcunet_pair_bytes_s4
#define BIAS_AT(padded_depth) (padded_depth)
#define WEIGHTS_AT 0
#define VALUE_BYTES 1
#define PAIRS_AT_ONCE 1
#define VALUES_AT_ONCE 8  // at the end, the weights of four that are filled up may be the biases
#define MOST_VALUES 504   // 504 * 8 * 128 < 2^31 / 4096

#if MCUNET_DSP

// clang-format off

// Eight values of two channels, a and b: 16 multiply-accumulates, and whether they are the last
// ones. Even values of b are stored with their sign, and taken before the bits are inverted. Two
// issues at a time make 14 to 16 cycles of it, with single loads; elsewhere loads cost less behind
// each other.
#if MCUNET_DUAL_ISSUE
#define EIGHT_VALUES                          \
  "ldr    %[w0], [%[weights]], #8         \n" \
  "ldr    %[x], [%[input]], #8            \n" \
  "and    %[t], %[tops], %[w0]            \n" \
  "eor    %[w0], %[w0], #0x88888888       \n" \
  "sxtb16 %[even], %[x]                   \n" \
  "ldr    %[w1], [%[weights], #-4]        \n" \
  "sxtb16 %[x], %[x], ror #8              \n" \
  "and    %[u], %[tops], %[w0], lsl #4    \n" \
  "smlad  %[b], %[t], %[even], %[b]       \n" \
  "eor    %[t], %[w1], #0x88888888        \n" \
  "smlad  %[a], %[u], %[even], %[a]       \n" \
  "and    %[u], %[tops], %[w0], lsl #8    \n" \
  "smlad  %[b], %[u], %[x], %[b]          \n" \
  "and    %[w0], %[tops], %[w0], lsl #12  \n" \
  "smlad  %[a], %[w0], %[x], %[a]         \n" \
  "ldr    %[x], [%[input], #-4]           \n" \
  "sxtb16 %[even], %[x]                   \n" \
  "and    %[u], %[tops], %[t], lsl #4     \n" \
  "sxtb16 %[x], %[x], ror #8              \n" \
  "and    %[w0], %[tops], %[t], lsl #8    \n" \
  "smlad  %[a], %[u], %[even], %[a]       \n" \
  "and    %[u], %[tops], %[w1]            \n" \
  "smlad  %[b], %[u], %[even], %[b]       \n" \
  "cmp    %[input], %[end]                \n" \
  "smlad  %[b], %[w0], %[x], %[b]         \n" \
  "and    %[t], %[tops], %[t], lsl #12    \n" \
  "smlad  %[a], %[t], %[x], %[a]          \n"
#else
// Four values, a word of weights and one of the input.
#define FOUR_VALUES(w, x)                     \
  "sxtb16 %[even], " x "                  \n" \
  "sxtb16 " x ", " x ", ror #8            \n" \
  "and    %[t], %[tops], " w "            \n" \
  "smlad  %[b], %[t], %[even], %[b]       \n" \
  "eor    " w ", " w ", #0x88888888       \n" \
  "and    %[t], %[tops], " w ", lsl #4    \n" \
  "smlad  %[a], %[t], %[even], %[a]       \n" \
  "and    %[t], %[tops], " w ", lsl #8    \n" \
  "smlad  %[b], %[t], " x ", %[b]         \n" \
  "and    %[t], %[tops], " w ", lsl #12   \n" \
  "smlad  %[a], %[t], " x ", %[a]         \n"
#define EIGHT_VALUES                          \
  "ldr    %[x], [%[input]], #8            \n" \
  "ldr    %[u], [%[input], #-4]           \n" \
  "ldrd   %[w0], %[w1], [%[weights]], #8  \n" \
  FOUR_VALUES("%[w0]", "%[x]")                \
  FOUR_VALUES("%[w1]", "%[u]")                \
  "cmp    %[input], %[end]                \n"
#endif

// clang-format on

MCUNET_INLINE void add_products(const int8_t* input, int32_t count, const int8_t* weights,
                                int32_t pair_bytes, int32_t pairs, int32_t* sums) {
  (void)pair_bytes;
  (void)pairs;
  int32_t a = 0, b = 0;
  uint32_t w0, w1, x, even, t, u;
  __asm__ volatile(
      "1: \n" EIGHT_VALUES "bne 1b \n"
      : [input] "+r"(input), [weights] "+r"(weights), [a] "+r"(a), [b] "+r"(b), [w0] "=&r"(w0),
        [w1] "=&r"(w1), [x] "=&r"(x), [even] "=&r"(even), [t] "=&r"(t), [u] "=&r"(u)
      : [end] "r"(input + count), [tops] "r"(0xf000f000u)
      : "cc", "memory");
  sums[0] = mcunet_wrapping_add(sums[0], a >> 12);
  sums[1] = mcunet_wrapping_add(sums[1], b >> 12);
}

#else

// One of a word's nibbles, all of which have their signs.
MCUNET_INLINE int32_t nibble(uint32_t word, int32_t index) {
  return (int32_t)(word << (28 - 4 * index)) >> 28;
}

MCUNET_INLINE void add_products(const int8_t* input, int32_t count, const int8_t* weights,
                                int32_t pair_bytes, int32_t pairs, int32_t* sums) {
  (void)pair_bytes;
  (void)pairs;
  int32_t a = 0, b = 0;
  for (const int8_t* const end = input + count; input != end; input += 4, weights += 4) {
    const uint32_t word = mcunet_load_word(__builtin_assume_aligned(weights, 4)) ^ 0x08880888u;
    a += nibble(word, 2) * input[0];
    b += nibble(word, 3) * input[0];
    a += nibble(word, 0) * input[1];
    b += nibble(word, 1) * input[1];
    a += nibble(word, 6) * input[2];
    b += nibble(word, 7) * input[2];
    a += nibble(word, 4) * input[3];
    b += nibble(word, 5) * input[3];
  }
  sums[0] = mcunet_wrapping_add(sums[0], a);
  sums[1] = mcunet_wrapping_add(sums[1], b);
}

#endif

#include "fully_connected_few.inc"
