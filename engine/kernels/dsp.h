#ifndef MCUNET_KERNELS_DSP_H_
#define MCUNET_KERNELS_DSP_H_

// The packed 16-bit arithmetic of the Cortex-M4/M7 DSP extension: single instructions where the
// core has it, plain C with the same results everywhere else. A "pair" is two int16 in one word,
// the lower half first in memory. All supported targets are little-endian.

#include <stdint.h>
#include <string.h>

#if defined(__ARM_FEATURE_DSP) && !defined(MCUNET_NO_DSP)
#define MCUNET_DSP 1
#include <arm_acle.h>
#else
#define MCUNET_DSP 0
#endif

// Whether the core issues two instructions at a time, as a Cortex-M7 does: its order of instructions
// would cost a Cortex-M4 time. Compilers do not tell, so it is for the project's flags to say.
#ifndef MCUNET_DUAL_ISSUE
#define MCUNET_DUAL_ISSUE 0
#endif

#define MCUNET_INLINE static inline __attribute__((always_inline))

// Four bytes from any address.
MCUNET_INLINE uint32_t mcunet_load_word(const void* from) {
  uint32_t word;
  memcpy(&word, from, sizeof word);
  return word;
}

MCUNET_INLINE uint32_t mcunet_load_half(const void* from) {
  uint16_t half;
  memcpy(&half, from, sizeof half);
  return half;
}

MCUNET_INLINE void mcunet_store_word(void* to, uint32_t word) { memcpy(to, &word, sizeof word); }

// Accumulators wrap at 32 bits, as the instructions do; in C only unsigned numbers may.
MCUNET_INLINE int32_t mcunet_wrapping_add(int32_t a, int32_t b) {
  return (int32_t)((uint32_t)a + (uint32_t)b);
}

MCUNET_INLINE int32_t mcunet_low(uint32_t pair) { return (int16_t)pair; }
MCUNET_INLINE int32_t mcunet_high(uint32_t pair) { return (int32_t)pair >> 16; }

#if MCUNET_DSP

// Bytes 0 and 2 as a pair.
MCUNET_INLINE uint32_t mcunet_widen_even(uint32_t bytes) { return (uint32_t)__sxtb16(bytes); }

// Bytes 1 and 3 as a pair.
MCUNET_INLINE uint32_t mcunet_widen_odd(uint32_t bytes) {
  uint32_t pair;
  __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(bytes));
  return pair;
}

// The same, plus `addend` in each half.
MCUNET_INLINE uint32_t mcunet_widen_even_add(uint32_t addend, uint32_t bytes) {
  return (uint32_t)__sxtab16((int32_t)addend, bytes);
}

MCUNET_INLINE uint32_t mcunet_widen_odd_add(uint32_t addend, uint32_t bytes) {
  uint32_t pair;
  __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(pair) : "r"(addend), "r"(bytes));
  return pair;
}

// { low of a, low of b }
MCUNET_INLINE uint32_t mcunet_pack_low_low(uint32_t a, uint32_t b) {
  uint32_t pair;
  __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(pair) : "r"(a), "r"(b));
  return pair;
}

// { low of a, high of b }
MCUNET_INLINE uint32_t mcunet_pack_low_high(uint32_t a, uint32_t b) {
  uint32_t pair;
  __asm__("pkhbt %0, %1, %2" : "=r"(pair) : "r"(a), "r"(b));
  return pair;
}

// { high of a, high of b }
MCUNET_INLINE uint32_t mcunet_pack_high_high(uint32_t a, uint32_t b) {
  uint32_t pair;
  __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(pair) : "r"(b), "r"(a));
  return pair;
}

// sum + low(a) low(b) + high(a) high(b)
MCUNET_INLINE int32_t mcunet_mac_pairs(uint32_t a, uint32_t b, int32_t sum) {
  return __smlad((int16x2_t)a, (int16x2_t)b, sum);
}

// sum + low(a) high(b) + high(a) low(b)
MCUNET_INLINE int32_t mcunet_mac_crossed(uint32_t a, uint32_t b, int32_t sum) {
  return __smladx((int16x2_t)a, (int16x2_t)b, sum);
}

// sum + one product of the halves named.
MCUNET_INLINE int32_t mcunet_mac_low_low(uint32_t a, uint32_t b, int32_t sum) {
  return __smlabb((int32_t)a, (int32_t)b, sum);
}
MCUNET_INLINE int32_t mcunet_mac_low_high(uint32_t a, uint32_t b, int32_t sum) {
  return __smlabt((int32_t)a, (int32_t)b, sum);
}
MCUNET_INLINE int32_t mcunet_mac_high_low(uint32_t a, uint32_t b, int32_t sum) {
  return __smlatb((int32_t)a, (int32_t)b, sum);
}

// base + round(a b / 2^32), halves up.
MCUNET_INLINE int32_t mcunet_add_rounded_high_product(int32_t base, int32_t a, int32_t b) {
  int32_t sum;
  __asm__("smmlar %0, %1, %2, %3" : "=r"(sum) : "r"(a), "r"(b), "r"(base));
  return sum;
}

// base + round(value / 2^shift), halves up, shift in 1 … 31: the last bit shifted out is the carry.
MCUNET_INLINE int32_t mcunet_add_rounded_shift(int32_t base, int32_t value, int32_t shift) {
  int32_t sum;
  __asm__("asrs %0, %1, %2\n\tadc %0, %0, %3"
          : "=&r"(sum)
          : "r"(value), "r"(shift), "r"(base)
          : "cc");
  return sum;
}

MCUNET_INLINE int32_t mcunet_saturate_int8(int32_t value) { return __ssat(value, 8); }
MCUNET_INLINE int32_t mcunet_saturate_int16(int32_t value) { return __ssat(value, 16); }

// The larger of each two int8, and the smaller.
MCUNET_INLINE uint32_t mcunet_max_bytes(uint32_t a, uint32_t b) {
  uint32_t difference;
  __asm__("ssub8 %1, %2, %0\n\tsel %0, %2, %0" : "+r"(a), "=&r"(difference) : "r"(b));
  return a;
}
MCUNET_INLINE uint32_t mcunet_min_bytes(uint32_t a, uint32_t b) {
  uint32_t difference;
  __asm__("ssub8 %1, %2, %0\n\tsel %0, %0, %2" : "+r"(a), "=&r"(difference) : "r"(b));
  return a;
}

#else  // the same in C

MCUNET_INLINE uint32_t mcunet_pair(int32_t low, int32_t high) {
  return ((uint32_t)low & 0xffffu) | ((uint32_t)high << 16);
}

MCUNET_INLINE uint32_t mcunet_widen_even(uint32_t bytes) {
  return mcunet_pair((int8_t)bytes, (int8_t)(bytes >> 16));
}
MCUNET_INLINE uint32_t mcunet_widen_odd(uint32_t bytes) {
  return mcunet_pair((int8_t)(bytes >> 8), (int8_t)(bytes >> 24));
}
MCUNET_INLINE uint32_t mcunet_widen_even_add(uint32_t addend, uint32_t bytes) {
  return mcunet_pair(mcunet_low(addend) + (int8_t)bytes,
                     mcunet_high(addend) + (int8_t)(bytes >> 16));
}
MCUNET_INLINE uint32_t mcunet_widen_odd_add(uint32_t addend, uint32_t bytes) {
  return mcunet_widen_even_add(addend, bytes >> 8);
}

MCUNET_INLINE uint32_t mcunet_pack_low_low(uint32_t a, uint32_t b) {
  return (a & 0xffffu) | (b << 16);
}
MCUNET_INLINE uint32_t mcunet_pack_low_high(uint32_t a, uint32_t b) {
  return (a & 0xffffu) | (b & 0xffff0000u);
}
MCUNET_INLINE uint32_t mcunet_pack_high_high(uint32_t a, uint32_t b) {
  return (a >> 16) | (b & 0xffff0000u);
}

MCUNET_INLINE int32_t mcunet_mac_pairs(uint32_t a, uint32_t b, int32_t sum) {
  return mcunet_wrapping_add(mcunet_wrapping_add(sum, mcunet_low(a) * mcunet_low(b)),
                             mcunet_high(a) * mcunet_high(b));
}
MCUNET_INLINE int32_t mcunet_mac_crossed(uint32_t a, uint32_t b, int32_t sum) {
  return mcunet_wrapping_add(mcunet_wrapping_add(sum, mcunet_low(a) * mcunet_high(b)),
                             mcunet_high(a) * mcunet_low(b));
}
MCUNET_INLINE int32_t mcunet_mac_low_low(uint32_t a, uint32_t b, int32_t sum) {
  return mcunet_wrapping_add(sum, mcunet_low(a) * mcunet_low(b));
}
MCUNET_INLINE int32_t mcunet_mac_low_high(uint32_t a, uint32_t b, int32_t sum) {
  return mcunet_wrapping_add(sum, mcunet_low(a) * mcunet_high(b));
}
MCUNET_INLINE int32_t mcunet_mac_high_low(uint32_t a, uint32_t b, int32_t sum) {
  return mcunet_wrapping_add(sum, mcunet_high(a) * mcunet_low(b));
}

MCUNET_INLINE int32_t mcunet_add_rounded_high_product(int32_t base, int32_t a, int32_t b) {
  return base + (int32_t)(((int64_t)a * b + INT64_C(0x80000000)) >> 32);
}
MCUNET_INLINE int32_t mcunet_add_rounded_shift(int32_t base, int32_t value, int32_t shift) {
  return base + (value >> shift) + ((value >> (shift - 1)) & 1);
}
MCUNET_INLINE int32_t mcunet_saturate_int8(int32_t value) {
  return value < -128 ? -128 : value > 127 ? 127 : value;
}
MCUNET_INLINE int32_t mcunet_saturate_int16(int32_t value) {
  return value < -32768 ? -32768 : value > 32767 ? 32767 : value;
}

#endif

#endif  // MCUNET_KERNELS_DSP_H_
