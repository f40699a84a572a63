#include "elementwise.h"

// One operand has the larger scale, whose multiplier is exactly a half: rescaling it is a shift.
// With that, full int8 bounds and right shifts elsewhere, 14 instructions per element remain, and two
// for the loop.
static int is_simple(const struct mcunet_elementwise_layer* layer, int first, int second) {
  const struct mcunet_operand* const half = &layer->operands[first];
  const struct mcunet_operand* const other = &layer->operands[second];
  return half->multiplier == 1 << 30 && half->shift == 0 && other->shift > 0 &&
         other->multiplier != 0 && layer->multiplier != 0 && layer->shift > 0 &&
         layer->output.min == -128 && layer->output.max == 127;
}

// What the sum of a value of each operand is made of. The assembly below knows this order.
struct terms {
  int32_t half_base;
  int32_t other_base;
  int32_t other_doubled;
  int32_t other_shift;
  int32_t doubled;
  int32_t shift;
  int32_t zero_point;
  const int8_t* half_end;
};

enum { kHeadroom = 20 };

#if MCUNET_DSP

// An element is a chain of instructions that wait for each other, so the end of one is interleaved
// with the beginning of the next. Either half is as in the plain form below.
static __attribute__((naked, noinline, used)) void add_terms(
    const int8_t* half __attribute__((unused)), const int8_t* other __attribute__((unused)),
    int8_t* output __attribute__((unused)), const struct terms* terms __attribute__((unused))) {
  __asm__ volatile(
      "push   {r4-r11, lr}          \n"
      "ldm    r3, {r4-r11}          \n"
      "ldrsb  lr, [r1], #1          \n"
      "ldrsb  r3, [r0], #1          \n"
      "add    lr, r5, lr, lsl #20   \n"
      "smmlar lr, lr, r6, lr        \n"
      "add    r3, r4, r3, lsl #19   \n"
      "add    lr, lr, lr, asr #31   \n"
      "asrs   lr, lr, r7            \n"
      "adc    r3, r3, lr            \n"
      "cmp    r0, r11               \n"
      "beq    2f                    \n"
      "1:                           \n"
      "smmlar r12, r3, r8, r3       \n"
      "ldrsb  lr, [r1], #1          \n"
      "ldrsb  r3, [r0], #1          \n"
      "add    lr, r5, lr, lsl #20   \n"
      "smmlar lr, lr, r6, lr        \n"
      "add    r12, r12, r12, asr #31\n"
      "add    r3, r4, r3, lsl #19   \n"
      "asrs   r12, r12, r9          \n"
      "adc    r12, r12, r10         \n"
      "add    lr, lr, lr, asr #31   \n"
      "asrs   lr, lr, r7            \n"
      "ssat   r12, #8, r12          \n"
      "adc    r3, r3, lr            \n"
      "cmp    r0, r11               \n"
      "strb   r12, [r2], #1         \n"
      "bne    1b                    \n"
      "2:                           \n"
      "smmlar r12, r3, r8, r3       \n"
      "add    r12, r12, r12, asr #31\n"
      "asrs   r12, r12, r9          \n"
      "adc    r12, r12, r10         \n"
      "ssat   r12, #8, r12          \n"
      "strb   r12, [r2]             \n"
      "pop    {r4-r11, pc}          \n");
}

#else

static void add_terms(const int8_t* half, const int8_t* other, int8_t* output,
                      const struct terms* terms) {
  while (half != terms->half_end) {
    const int32_t first = terms->half_base + *half++ * (1 << (kHeadroom - 1));
    const int32_t second = terms->other_base + *other++ * (1 << kHeadroom);
    const int32_t sum =
        first + mcunet_rescale_down(second, terms->other_doubled, terms->other_shift);
    *output++ =
        (int8_t)mcunet_requantize_linear(sum, terms->doubled, terms->shift, terms->zero_point);
  }
}

#endif

static void add_simple(const int8_t* half, const int8_t* other, int8_t* output,
                       const struct mcunet_elementwise_layer* layer,
                       const struct mcunet_operand* half_is,
                       const struct mcunet_operand* other_is) {
  const struct terms terms = {
      .half_base = -half_is->zero_point * (1 << (kHeadroom - 1)),
      .other_base = -other_is->zero_point * (1 << kHeadroom),
      .other_doubled = (int32_t)((uint32_t)other_is->multiplier << 1),
      .other_shift = other_is->shift,
      .doubled = (int32_t)((uint32_t)layer->multiplier << 1),
      .shift = layer->shift,
      .zero_point = layer->output.zero_point,
      .half_end = half + layer->elements,
  };
  add_terms(half, other, output, &terms);
}

void mcunet_add(const int8_t* a, const int8_t* b, int8_t* output,
                const struct mcunet_elementwise_layer* layer) {
  if (layer->period == layer->elements && is_simple(layer, 0, 1)) {
    add_simple(a, b, output, layer, &layer->operands[0], &layer->operands[1]);
  } else if (layer->period == layer->elements && is_simple(layer, 1, 0)) {
    add_simple(b, a, output, layer, &layer->operands[1], &layer->operands[0]);
  } else {
    mcunet_add_rescaled(a, b, output, layer, /*sign=*/1);
  }
}
