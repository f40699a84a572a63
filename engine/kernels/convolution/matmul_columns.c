#include "matmul_columns.h"

struct pair_tail {
  int32_t doubled[2];
  int8_t shift[2];
  uint8_t mode;
  uint8_t channels;
};

// Requantizes a pair of channels the general way: sums[channel][column].
__attribute__((used, noinline)) void mcunet_requantize_pair(const int32_t* sums,
                                                            const struct pair_tail* tail,
                                                            int8_t* output, int32_t columns,
                                                            const struct mcunet_matmul* matmul) {
  for (int32_t channel = 0; channel < tail->channels; ++channel) {
    for (int32_t column = 0; column < columns; ++column) {
      output[column * matmul->column_stride + channel] = (int8_t)mcunet_requantize_general(
          sums[channel * columns + column], tail->doubled[channel], tail->shift[channel],
          &matmul->output);
    }
  }
}

uint32_t* mcunet_widen_column(uint32_t* column, int32_t pitch, const int8_t* values,
                              int32_t bytes) {
  const int8_t* const end = values + bytes;
#if MCUNET_DSP
  // In the order that lets most of them go together.
  uint32_t even, odd;
  if (bytes == 0) return column;
  __asm__ volatile(
      "1:                                   \n"
      "ldr    %[odd], [%[values]], #4       \n"
      "cmp    %[values], %[end]             \n"
      "sxtb16 %[even], %[odd]               \n"
      "sxtb16 %[odd], %[odd], ror #8        \n"
      "str    %[even], [%[column]]          \n"
      "str    %[odd], [%[column], %[pitch]] \n"
      "add    %[column], %[column], %[step] \n"
      "bne    1b                            \n"
      : [column] "+r"(column), [values] "+r"(values), [even] "=&r"(even), [odd] "=&r"(odd)
      : [end] "r"(end), [pitch] "r"(4 * pitch), [step] "r"(8 * pitch)
      : "memory", "cc");
#else
  for (; values != end; values += 4) {
    const uint32_t word = mcunet_load_word(values);
    column[0] = mcunet_widen_even(word);
    column[pitch] = mcunet_widen_odd(word);
    column += 2 * pitch;
  }
#endif
  return column;
}

#if MCUNET_DSP

// 16 values in 22 instructions: single stores can accompany SXTB16 where two are issued at a time, and
// cost no more elsewhere.
__attribute__((naked)) uint32_t* mcunet_widen_four_columns(
    uint32_t* columns __attribute__((unused)), const int8_t* values __attribute__((unused)),
    int32_t bytes __attribute__((unused)), int32_t distance __attribute__((unused))) {
  __asm__ volatile(
      "push   {r4-r10, lr}             \n"
      "add    r2, r1, r2               \n"  // the end of the first column
      "add    r12, r3, r3, lsl #1      \n"
      "1:                              \n"
      "ldr    r6, [r1, r3, lsl #1]     \n"
      "ldr    r5, [r1, r3]             \n"
      "ldr    r7, [r1, r12]            \n"
      "ldr    r4, [r1], #4             \n"
      "sxtb16 r8, r4, ror #8           \n"
      "cmp    r1, r2                   \n"
      "sxtb16 r4, r4                   \n"
      "str    r4, [r0], #32            \n"
      "sxtb16 lr, r7, ror #8           \n"
      "str    r8, [r0, #-16]           \n"
      "sxtb16 r10, r6, ror #8          \n"
      "str    r10, [r0, #-8]           \n"
      "sxtb16 r6, r6                   \n"
      "str    r6, [r0, #-24]           \n"
      "sxtb16 r9, r5, ror #8           \n"
      "str    r9, [r0, #-12]           \n"
      "sxtb16 r7, r7                   \n"
      "str    r7, [r0, #-20]           \n"
      "sxtb16 r5, r5                   \n"
      "str    lr, [r0, #-4]            \n"
      "str    r5, [r0, #-28]           \n"
      "bne    1b                       \n"
      "pop    {r4-r10, pc}             \n");
}

// enter_midway: not zero if the depth is an even number of fours, so that after the first four the
// loop over eights is entered in its middle; for four columns where one instruction is issued at a
// time.
#define MATMUL_STACK_ARGUMENTS                                                                     \
  const uint32_t *columns_end, uint32_t enter_midway, int32_t zero_point, const void *weights_end, \
      const struct mcunet_matmul *matmul
void mcunet_matmul_four_columns_dsp(const uint32_t* columns, const void* weights, int8_t* output,
                                    int32_t column_stride, MATMUL_STACK_ARGUMENTS);
void mcunet_matmul_one_column_dsp(const uint32_t* column, const void* weights, int8_t* output,
                                  int32_t column_stride, MATMUL_STACK_ARGUMENTS);

// clang-format off

// Four outputs of a channel, one of each column: round(sum * multiplier), shift with rounding (the
// carry is the last bit shifted out), add the zero point, saturate, store. Each output is a chain of
// instructions that wait for each other, so the four are interleaved. w0 = doubled multiplier, w1 =
// shift, x0 = zero point, x1 = stride; `first` is the address of the first output, `in` then that of
// its column. then_w0 may overwrite w0, then_x0 the others but x1; neither may touch the flags.
#define REQUANTIZE_FOUR_RELU(s0, s1, s2, s3, first, then_w0, then_x0) \
  "smmlar " s0 ", " s0 ", w0, " s0 "            \n" \
  "smmlar " s1 ", " s1 ", w0, " s1 "            \n" \
  "smmlar " s2 ", " s2 ", w0, " s2 "            \n" \
  "asrs   " s0 ", " s0 ", w1                    \n" \
  "adc    " s0 ", " s0 ", x0                    \n" \
  "asrs   " s1 ", " s1 ", w1                    \n" \
  "adc    " s1 ", " s1 ", x0                    \n" \
  "asrs   " s2 ", " s2 ", w1                    \n" \
  "ssat   " s0 ", #8, " s0 "                    \n" \
  "smmlar " s3 ", " s3 ", w0, " s3 "            \n" \
  "ssat   " s1 ", #8, " s1 "                    \n" \
  "adc    " s2 ", " s2 ", x0                    \n" \
  "asrs   " s3 ", " s3 ", w1                    \n" \
  then_w0                                      "\n" \
  "adc    " s3 ", " s3 ", x0                    \n" \
  then_x0                                      "\n" \
  "strb   " s0 ", " first "                     \n" \
  "add    " s0 ", in, x1, lsl #1                \n" \
  "ssat   " s2 ", #8, " s2 "                    \n" \
  "strb   " s1 ", [in, x1]                      \n" \
  "ssat   " s3 ", #8, " s3 "                    \n" \
  "strb   " s2 ", [in, x1, lsl #1]              \n" \
  "strb   " s3 ", [" s0 ", x1]                  \n"

// A negative value is rounded as if it were one less, see requantize.h; where a negative sum was
// rounded to zero, the shift gives zero either way.
#define REQUANTIZE_FOUR_LINEAR(s0, s1, s2, s3, first, then_w0, then_x0) \
  "smmlar " s0 ", " s0 ", w0, " s0 "            \n" \
  "smmlar " s2 ", " s2 ", w0, " s2 "            \n" \
  "smmlar " s1 ", " s1 ", w0, " s1 "            \n" \
  "smmlar " s3 ", " s3 ", w0, " s3 "            \n" \
  "add    " s0 ", " s0 ", " s0 ", asr #31       \n" \
  then_w0                                      "\n" \
  "asrs   " s0 ", " s0 ", w1                    \n" \
  "adc    " s0 ", " s0 ", x0                    \n" \
  "add    " s1 ", " s1 ", " s1 ", asr #31       \n" \
  "asrs   " s1 ", " s1 ", w1                    \n" \
  "add    " s2 ", " s2 ", " s2 ", asr #31       \n" \
  "adc    " s1 ", " s1 ", x0                    \n" \
  "asrs   " s2 ", " s2 ", w1                    \n" \
  "add    " s3 ", " s3 ", " s3 ", asr #31       \n" \
  "adc    " s2 ", " s2 ", x0                    \n" \
  "asrs   " s3 ", " s3 ", w1                    \n" \
  "ssat   " s1 ", #8, " s1 "                    \n" \
  "ssat   " s0 ", #8, " s0 "                    \n" \
  "adc    " s3 ", " s3 ", x0                    \n" \
  then_x0                                      "\n" \
  "strb   " s0 ", " first "                     \n" \
  "add    " s0 ", in, x1, lsl #1                \n" \
  "ssat   " s2 ", #8, " s2 "                    \n" \
  "strb   " s1 ", [in, x1]                      \n" \
  "ssat   " s3 ", #8, " s3 "                    \n" \
  "strb   " s2 ", [in, x1, lsl #1]              \n" \
  "strb   " s3 ", [" s0 ", x1]                  \n"

// Two channels, after which the pointers go on to the next two.
#define REQUANTIZE_EIGHT(four)                                                                    \
  four("sum00", "sum01", "sum02", "sum03", "[in]", "ldr w0, [wp, #4 - ahead]",                    \
       "ldrb w1, [wp, #9 - ahead]")                                                                \
  four("sum10", "sum11", "sum12", "sum13", "[in, #1]!", "add wp, wp, #12 - ahead",                \
       "ldr x0, [sp, #60]")

// Four columns. Registers:
//   in   input pairs          wp  packed weights
//   sum00 … sum03, sum10 … sum13      sums of channel 0 and 1 by column
//   w0, w1                    weights of the two channels; requantization: multiplier and shift
//   x0, x1                    activations of two columns; requantization: zero point and stride
// Stack: #0 columns, #4 output, #8 stride, #48 columns_end, #52 enter_midway, #56 zero_point,
//   #60 weights_end, #64 matmul.
#define FOUR_COLUMNS_REGISTERS                                                                     \
  "in .req r0\n wp .req r1\n"                                                                      \
  "sum00 .req r2\n sum01 .req r3\n sum02 .req r4\n sum03 .req r5\n"                                        \
  "sum10 .req r6\n sum11 .req r7\n sum12 .req r8\n sum13 .req r9\n"                                        \
  "w0 .req r10\n w1 .req r11\n x0 .req r12\n x1 .req lr\n"
#define FOUR_COLUMNS_REGISTERS_END                                                                 \
  ".unreq in\n .unreq wp\n .unreq sum00\n .unreq sum01\n .unreq sum02\n .unreq sum03\n"                    \
  ".unreq sum10\n .unreq sum11\n .unreq sum12\n .unreq sum13\n"                                            \
  ".unreq w0\n .unreq w1\n .unreq x0\n .unreq x1\n"

// The sums of a pair of channels. b00 … are what is added to: the sums themselves or, in the first
// step, the biases, which wait in sum03 and sum13. Afterwards wp is `ahead` bytes past the weights.
#if MCUNET_DUAL_ISSUE

// Two pairs of values of two channels and four columns, 32 multiply-accumulates in 18 cycles: at most
// one SXTB16 or SMLAD and one other instruction at a time, single loads instead of LDRD, which no
// other instruction accompanies, each behind the SMLAD that frees its register. The next weight word
// is in w0 already; after the last one that is the first multiplier.
#define FOUR_COLUMNS_STEPS(b00, b10, b01, b11, b02, b12, load_end, compare_end)  \
  "sxtb16 w1, w0, ror #8            \n"  \
  "ldr    x0, [in], #32             \n"  \
  "sxtb16 w0, w0                    \n"  \
  "smlad  sum10, w1, x0, " b10 "    \n"  \
  "ldr    x1, [in, #-28]            \n"  \
  "smlad  sum00, w0, x0, " b00 "    \n"  \
  "smlad  sum01, w0, x1, " b01 "    \n"  \
  "smlad  sum11, w1, x1, " b11 "    \n"  \
  "ldr    x1, [in, #-20]            \n"  \
  "ldr    x0, [in, #-24]            \n"  \
  "smlad  sum12, w1, x0, " b12 "    \n"  \
  "smlad  sum02, w0, x0, " b02 "    \n"  \
  "ldr    x0, [in, #-16]            \n"  \
  "smlad  sum03, w0, x1, sum03      \n"  \
  "ldr    w0, [wp], #8              \n"  \
  "smlad  sum13, w1, x1, sum13      \n"  \
  "sxtb16 w1, w0, ror #8            \n"  \
  "ldr    x1, [in, #-12]            \n"  \
  "sxtb16 w0, w0                    \n"  \
  "smlad  sum10, w1, x0, sum10      \n"  \
  "smlad  sum00, w0, x0, sum00      \n"  \
  "ldr    x0, [in, #-8]             \n"  \
  "smlad  sum02, w0, x0, sum02      \n"  \
  "smlad  sum12, w1, x0, sum12      \n"  \
  load_end "                         \n"  \
  "smlad  sum01, w0, x1, sum01      \n"  \
  compare_end "                      \n"  \
  "smlad  sum11, w1, x1, sum11      \n"  \
  "ldr    x1, [in, #-4]             \n"  \
  "smlad  sum03, w0, x1, sum03      \n"  \
  "ldr    w0, [wp, #-4]             \n"  \
  "smlad  sum13, w1, x1, sum13      \n"

#define FOUR_COLUMNS_SUMS                                                                          \
  ".set   ahead, 4                  \n"  \
  "ldr    w0, [wp, #8]              \n"  \
  "ldrd   sum03, sum13, [wp], #12   \n"  \
  FOUR_COLUMNS_STEPS("sum03", "sum13", "sum03", "sum13", "sum03", "sum13", "", "")  \
  "2:                               \n"  \
  FOUR_COLUMNS_STEPS("sum00", "sum10", "sum01", "sum11", "sum02", "sum12",  \
                     "ldr x0, [sp, #48]", "cmp in, x0")  \
  "bne    2b                        \n"

#define LOAD_FIRST_MULTIPLIER ""

#else

// One pair of values of two channels and four columns.
#define FOUR_COLUMNS_STEP(b00, b10, b01, b11, b02, b12)  \
  "ldr    w1, [wp], #4              \n"  \
  "ldrd   x0, x1, [in], #8          \n"  \
  "sxtb16 w0, w1                    \n"  \
  "sxtb16 w1, w1, ror #8            \n"  \
  "smlad  sum00, w0, x0, " b00 "    \n"  \
  "smlad  sum10, w1, x0, " b10 "    \n"  \
  "smlad  sum01, w0, x1, " b01 "    \n"  \
  "smlad  sum11, w1, x1, " b11 "    \n"  \
  "ldrd   x0, x1, [in], #8          \n"  \
  "smlad  sum02, w0, x0, " b02 "    \n"  \
  "smlad  sum12, w1, x0, " b12 "    \n"  \
  "smlad  sum03, w0, x1, sum03      \n"  \
  "smlad  sum13, w1, x1, sum13      \n"
#define FIRST_STEP FOUR_COLUMNS_STEP("sum03", "sum13", "sum03", "sum13", "sum03", "sum13")
#define STEP FOUR_COLUMNS_STEP("sum00", "sum10", "sum01", "sum11", "sum02", "sum12")

#define FOUR_COLUMNS_SUMS                 \
  ".set   ahead, 0                  \n"  \
  "ldrd   sum03, sum13, [wp], #8    \n"  \
  FIRST_STEP                              \
  STEP                                    \
  "ldr    x0, [sp, #52]             \n"  \
  "cmp    x0, #0                    \n"  \
  "bne    3f                        \n"  \
  "2:                               \n"  \
  STEP STEP /* eight values */            \
  "3:                               \n"  \
  STEP STEP                               \
  "ldr    x0, [sp, #48]             \n"  \
  "cmp    in, x0                    \n"  \
  "bne    2b                        \n"

#define LOAD_FIRST_MULTIPLIER "ldr w0, [wp]\n"

#endif

__attribute__((naked)) void mcunet_matmul_four_columns_dsp(
    const uint32_t* columns __attribute__((unused)), const void* weights __attribute__((unused)),
    int8_t* output __attribute__((unused)), int32_t column_stride __attribute__((unused)),
    const uint32_t* columns_end __attribute__((unused)),
    uint32_t enter_midway __attribute__((unused)), int32_t zero_point __attribute__((unused)),
    const void* weights_end __attribute__((unused)),
    const struct mcunet_matmul* matmul __attribute__((unused))) {
  __asm__ volatile(
      FOUR_COLUMNS_REGISTERS
      "push {r0, r2-r11, lr}                \n"
  "1:  ldr    in, [sp, #0]                  \n"  // a pair of output channels
      FOUR_COLUMNS_SUMS
      "ldrb   in, [wp, #10 - ahead]         \n"  // mode
      LOAD_FIRST_MULTIPLIER
      "ldrb   w1, [wp, #8 - ahead]          \n"
      "ldr    x0, [sp, #56]                 \n"
      "cmp    in, #1                        \n"
      "ldrd   in, x1, [sp, #4]              \n"
      "bhs    5f                            \n"
      REQUANTIZE_EIGHT(REQUANTIZE_FOUR_RELU)
  "4:  add    in, in, #1                    \n"
      "str    in, [sp, #4]                  \n"
      "cmp    wp, x0                        \n"
      "bne    1b                            \n"
      "pop    {r0, r2-r11, pc}              \n"

  "5:  bhi    6f                            \n"
      REQUANTIZE_EIGHT(REQUANTIZE_FOUR_LINEAR)
      "b      4b                            \n"

  "6:  push   {sum00, sum01, sum02, sum03, sum10, sum11, sum12, sum13}\n"  // general
      "sub    r4, wp, #ahead                \n"
      "ldr    r5, [sp, #36]                 \n"
      "ldr    r6, [sp, #96]                 \n"
      "mov    r0, sp                        \n"
      "mov    r2, r5                        \n"
      "movs   r3, #4                        \n"
      "push   {r6, r7}                      \n"
      "mov    r1, r4                        \n"
      "bl     mcunet_requantize_pair        \n"
      "add    sp, sp, #40                   \n"
      "adds   in, r5, #1                    \n"
      "add    wp, r4, #12                   \n"
      "ldr    x0, [sp, #60]                 \n"
      "b      4b                            \n"
      FOUR_COLUMNS_REGISTERS_END);
}

// One column: less reuse, so two pairs of channels at a time, whose weights are two streams.
// Registers:
//   in, end                   input pairs
//   wa, wb                    packed weights of the two pairs of channels
//   sum0 … sum3               sums of the four channels
//   x0, x1                    activations
//   w0 … w3                   weights
// Stack: #0 column, #4 output, #48 columns_end, … as above.
#define ONE_COLUMN_REGISTERS                                                                \
  "in .req r2\n end .req r3\n wa .req r1\n wb .req r0\n"                                    \
  "sum0 .req r4\n sum1 .req r5\n sum2 .req r6\n sum3 .req r7\n x0 .req r8\n x1 .req r9\n"   \
  "w0 .req r10\n w1 .req r11\n w2 .req r12\n w3 .req lr\n"
#define ONE_COLUMN_REGISTERS_END                                                            \
  ".unreq in\n .unreq end\n .unreq wa\n .unreq wb\n"                                        \
  ".unreq sum0\n .unreq sum1\n .unreq sum2\n .unreq sum3\n .unreq x0\n .unreq x1\n"         \
  ".unreq w0\n .unreq w1\n .unreq w2\n .unreq w3\n"

// Four values of four channels, 16 multiply-accumulates, and whether they are the last ones. Two
// issues at a time make 12 cycles of it; where loads cost less behind each other they stand so.
#if MCUNET_DUAL_ISSUE
#define TWO_PAIRS_STEP              \
  "ldr    w0, [wa], #8          \n" \
  "ldr    x0, [in], #8          \n" \
  "sxtb16 w2, w0, ror #8        \n" \
  "ldr    w1, [wa, #-4]         \n" \
  "sxtb16 w0, w0                \n" \
  "smlad  sum1, w2, x0, sum1    \n" \
  "smlad  sum0, w0, x0, sum0    \n" \
  "ldr    x1, [in, #-4]         \n" \
  "sxtb16 w2, w1, ror #8        \n" \
  "ldr    w0, [wb], #8          \n" \
  "sxtb16 w1, w1                \n" \
  "smlad  sum1, w2, x1, sum1    \n" \
  "smlad  sum0, w1, x1, sum0    \n" \
  "ldr    w1, [wb, #-4]         \n" \
  "sxtb16 w2, w0, ror #8        \n" \
  "cmp    in, end               \n" \
  "sxtb16 w0, w0                \n" \
  "smlad  sum3, w2, x0, sum3    \n" \
  "sxtb16 w2, w1, ror #8        \n" \
  "smlad  sum2, w0, x0, sum2    \n" \
  "sxtb16 w1, w1                \n" \
  "smlad  sum3, w2, x1, sum3    \n" \
  "smlad  sum2, w1, x1, sum2    \n"
#else
#define TWO_PAIRS_STEP              \
  "ldr    x0, [in], #8          \n" \
  "ldr    x1, [in, #-4]         \n" \
  "ldr    w0, [wa], #8          \n" \
  "ldr    w1, [wa, #-4]         \n" \
  "sxtb16 w2, w0, ror #8        \n" \
  "sxtb16 w0, w0                \n" \
  "smlad  sum1, w2, x0, sum1    \n" \
  "smlad  sum0, w0, x0, sum0    \n" \
  "sxtb16 w2, w1, ror #8        \n" \
  "sxtb16 w1, w1                \n" \
  "smlad  sum1, w2, x1, sum1    \n" \
  "smlad  sum0, w1, x1, sum0    \n" \
  "ldr    w0, [wb], #8          \n" \
  "ldr    w1, [wb, #-4]         \n" \
  "sxtb16 w2, w0, ror #8        \n" \
  "sxtb16 w0, w0                \n" \
  "smlad  sum3, w2, x0, sum3    \n" \
  "smlad  sum2, w0, x0, sum2    \n" \
  "sxtb16 w2, w1, ror #8        \n" \
  "sxtb16 w1, w1                \n" \
  "smlad  sum3, w2, x1, sum3    \n" \
  "smlad  sum2, w1, x1, sum2    \n" \
  "cmp    in, end               \n"
#endif

__attribute__((naked)) void mcunet_matmul_one_column_dsp(
    const uint32_t* column __attribute__((unused)), const void* weights __attribute__((unused)),
    int8_t* output __attribute__((unused)), int32_t column_stride __attribute__((unused)),
    const uint32_t* columns_end __attribute__((unused)),
    uint32_t enter_midway __attribute__((unused)), int32_t zero_point __attribute__((unused)),
    const void* weights_end __attribute__((unused)),
    const struct mcunet_matmul* matmul __attribute__((unused))) {
  __asm__ volatile(
      ONE_COLUMN_REGISTERS
      "push   {r0, r2-r11, lr}              \n"
      "ldr    end, [sp, #48]                \n"
      "ldr    w3, [sp, #60]                 \n"
      "sub    wb, end, wb                   \n"  // mcunet_pair_bytes()
      "add    wb, wb, #20                   \n"
      "add    wb, wb, wa                    \n"
      "cmp    wb, w3                        \n"
      "bhs    4f                            \n"

  "1:  ldr    in, [sp]                      \n"
      "ldrd   sum0, sum1, [wa], #8          \n"
      "ldrd   sum2, sum3, [wb], #8          \n"
  "2:  " TWO_PAIRS_STEP
      "bne    2b                            \n"

      "ldrb   x0, [wa, #10]                 \n"  // modes
      "ldrb   x1, [wb, #10]                 \n"
      "ldrd   w0, w1, [wa]                  \n"
      "orr    x0, x0, x1                    \n"
      "cmp    x0, #1                        \n"
      "ldr    in, [sp, #56]                 \n"  // zero point
      "bhi    7f                            \n"
      // ReLU differs from linear only in leaving out a correction; here it is cheap enough.
      "smmlar sum1, sum1, w1, sum1          \n"
      "ldrb   w2, [wa, #8]                  \n"
      "ldrb   w3, [wa, #9]                  \n"
      "smmlar sum0, sum0, w0, sum0          \n"
      "ldrd   w0, w1, [wb]                  \n"
      "smmlar sum3, sum3, w1, sum3          \n"
      "add    sum1, sum1, sum1, asr #31     \n"
      "smmlar sum2, sum2, w0, sum2          \n"
      "add    sum0, sum0, sum0, asr #31     \n"
      "asrs   sum0, sum0, w2                \n"
      "sub    w1, wb, wa                    \n"
      "adc    sum0, sum0, in                \n"
      "asrs   sum1, sum1, w3                \n"
      "adc    sum1, sum1, in                \n"
      "ldr    w3, [sp, #60]                 \n"
      "ldrb   x1, [wb, #9]                  \n"
      "ldr    w0, [sp, #4]                  \n"  // output
      "ldrb   x0, [wb, #8]                  \n"
      "add    sum3, sum3, sum3, asr #31     \n"
      "ssat   sum0, #8, sum0                \n"
      "add    wa, wb, #12                   \n"  // the next two pairs
      "add    sum2, sum2, sum2, asr #31     \n"
      "add    wb, wa, w1                    \n"
      "strb   sum0, [w0], #4                \n"
      "asrs   sum2, sum2, x0                \n"
      "adc    sum2, sum2, in                \n"
      "asrs   sum3, sum3, x1                \n"
      "ssat   sum1, #8, sum1                \n"
      "adc    sum3, sum3, in                \n"
      "ssat   sum2, #8, sum2                \n"
      "strb   sum1, [w0, #-3]               \n"
      "ssat   sum3, #8, sum3                \n"
      "strb   sum2, [w0, #-2]               \n"
      "strb   sum3, [w0, #-1]               \n"
  "3:  str    w0, [sp, #4]                  \n"
      "cmp    wb, w3                        \n"
      "blo    1b                            \n"
  "4:  cmp    wa, w3                        \n"
      "beq    6f                            \n"

      "ldr    in, [sp]                      \n"  // a pair that is left
      "ldrd   sum0, sum1, [wa], #8          \n"
  "5:  ldr    x0, [in], #8                  \n"
      "ldr    w0, [wa], #8                  \n"
      "ldr    w1, [wa, #-4]                 \n"
      "ldr    x1, [in, #-4]                 \n"
      "sxtb16 w2, w0, ror #8                \n"
      "cmp    in, end                       \n"
      "sxtb16 w0, w0                        \n"
      "smlad  sum1, w2, x0, sum1            \n"
      "sxtb16 w2, w1, ror #8                \n"
      "smlad  sum0, w0, x0, sum0            \n"
      "sxtb16 w1, w1                        \n"
      "smlad  sum1, w2, x1, sum1            \n"
      "smlad  sum0, w1, x1, sum0            \n"
      "bne    5b                            \n"

      "ldrb   x0, [wa, #10]                 \n"
      "ldrb   w2, [wa, #8]                  \n"
      "ldrb   w3, [wa, #9]                  \n"
      "ldr    in, [sp, #56]                 \n"
      "cmp    x0, #1                        \n"
      "ldrd   w0, w1, [wa]                  \n"
      "bhi    8f                            \n"
      "smmlar sum0, sum0, w0, sum0          \n"
      "smmlar sum1, sum1, w1, sum1          \n"
      "ldr    w0, [sp, #4]                  \n"
      "add    sum0, sum0, sum0, asr #31     \n"
      "asrs   sum0, sum0, w2                \n"
      "adc    sum0, sum0, in                \n"
      "add    sum1, sum1, sum1, asr #31     \n"
      "asrs   sum1, sum1, w3                \n"
      "ssat   sum0, #8, sum0                \n"
      "adc    sum1, sum1, in                \n"
      "ssat   sum1, #8, sum1                \n"
      "strb   sum0, [w0]                    \n"
      "strb   sum1, [w0, #1]                \n"
  "6:  pop    {r0, r2-r11, pc}              \n"

  // Two pairs, of which at least one takes the general way.
  "7:  push   {sum0, sum1, sum2, sum3}      \n"
      "mov    r4, wa                        \n"
      "mov    r5, wb                        \n"
      "ldr    r6, [sp, #16 + 4]             \n"
      "ldr    r7, [sp, #16 + 64]            \n"
      "push   {r7, r8}                      \n"
      "add    r0, sp, #8                    \n"
      "mov    r2, r6                        \n"
      "movs   r3, #1                        \n"
      "bl     mcunet_requantize_pair        \n"
      "add    r0, sp, #16                   \n"
      "mov    r1, r5                        \n"
      "adds   r2, r6, #2                    \n"
      "movs   r3, #1                        \n"
      "bl     mcunet_requantize_pair        \n"
      "add    sp, sp, #24                   \n"
      "sub    w1, r5, r4                    \n"
      "add    wa, r5, #12                   \n"
      "add    wb, wa, w1                    \n"
      "add    w0, r6, #4                    \n"
      "ldr    end, [sp, #48]                \n"
      "ldr    w3, [sp, #60]                 \n"
      "b      3b                            \n"

  // The pair that is left.
  "8:  push   {sum0, sum1}                  \n"
      "mov    r0, sp                        \n"
      "ldr    r2, [sp, #8 + 4]              \n"
      "movs   r3, #1                        \n"
      "ldr    r7, [sp, #8 + 64]             \n"
      "push   {r7, r8}                      \n"
      "bl     mcunet_requantize_pair        \n"
      "add    sp, sp, #16                   \n"
      "b      6b                            \n"
      ONE_COLUMN_REGISTERS_END);
}

// clang-format on

void mcunet_matmul_four_columns(const uint32_t* columns, int8_t* output,
                                const struct mcunet_matmul* matmul) {
  mcunet_matmul_four_columns_dsp(columns, matmul->weights, output, matmul->column_stride,
                                 columns + 2 * matmul->padded_depth,
                                 /*enter_midway=*/~(uint32_t)matmul->padded_depth & 4,
                                 matmul->output.zero_point, matmul->weights_end, matmul);
}

void mcunet_matmul_one_column(const uint32_t* column, int8_t* output,
                              const struct mcunet_matmul* matmul) {
  mcunet_matmul_one_column_dsp(column, matmul->weights, output, matmul->column_stride,
                               column + matmul->padded_depth / 2,
                               /*enter_midway=*/~(uint32_t)matmul->padded_depth & 4,
                               matmul->output.zero_point, matmul->weights_end, matmul);
}

#else

uint32_t* mcunet_widen_four_columns(uint32_t* columns, const int8_t* values, int32_t bytes,
                                    int32_t distance) {
  for (int32_t i = 0; i < MCUNET_COLUMNS; ++i) {
    mcunet_widen_column(columns + i, MCUNET_COLUMNS, values + i * distance, bytes);
  }
  return columns + 2 * bytes;
}

static void multiply(const uint32_t* columns, int32_t count, int8_t* output,
                     const struct mcunet_matmul* matmul) {
  const int8_t* weights = (const int8_t*)matmul->weights;
  while (weights != (const int8_t*)matmul->weights_end) {
    const int32_t* bias = (const int32_t*)(const void*)weights;
    int32_t sums[2 * MCUNET_COLUMNS];
    for (int32_t column = 0; column < count; ++column) {
      sums[column] = bias[0];
      sums[count + column] = bias[1];
    }
    weights += MCUNET_PAIR_HEAD_BYTES;
    const uint32_t* pairs = columns;
    for (int32_t k = 0; k < matmul->padded_depth; k += 2) {
      const uint32_t word = mcunet_load_word(weights);
      const uint32_t first = mcunet_widen_even(word);
      const uint32_t second = mcunet_widen_odd(word);
      for (int32_t column = 0; column < count; ++column) {
        sums[column] = mcunet_mac_pairs(first, pairs[column], sums[column]);
        sums[count + column] = mcunet_mac_pairs(second, pairs[column], sums[count + column]);
      }
      weights += 4;
      pairs += count;
    }
    mcunet_requantize_pair(sums, (const struct pair_tail*)(const void*)weights, output, count,
                           matmul);
    weights += MCUNET_PAIR_TAIL_BYTES;
    output += 2;
  }
}

void mcunet_matmul_four_columns(const uint32_t* columns, int8_t* output,
                                const struct mcunet_matmul* matmul) {
  multiply(columns, MCUNET_COLUMNS, output, matmul);
}

void mcunet_matmul_one_column(const uint32_t* column, int8_t* output,
                              const struct mcunet_matmul* matmul) {
  multiply(column, 1, output, matmul);
}

#endif
