#ifndef MCUNET_KERNELS_MATMUL_DSP_H_
#define MCUNET_KERNELS_MATMUL_DSP_H_

// What the assembly for weights of eight and of four bits shares: registers, the loops over output
// channels, and requantization. Internal to matmul_columns*.c.

#define MATMUL_STACK_ARGUMENTS                                                                     \
  const uint32_t *columns_end, uint32_t enter_midway, int32_t zero_point, const void *weights_end, \
      const struct mcunet_matmul *matmul

// clang-format off

// Four outputs of a channel, one of each column: round(sum * multiplier), shift with rounding (the
// carry is the last bit shifted out), add the zero point, saturate, store. Each output is a chain of
// instructions that wait for each other, so the four are interleaved. w0 = doubled multiplier, w1 =
// shift, x0 = zero point, x1 = stride; `first` is the address of the first output, `in` then that of
// its column. then_w0 may overwrite w0, then_x0 the others but x1; neither may touch the flags.
#define REQUANTIZE_FOUR_RELU(s0, s1, s2, s3, first, then_w0, then_x0) \
  "smmlar " s0 ", " s0 ", w0, " s0 "            \n"                                                \
  "smmlar " s1 ", " s1 ", w0, " s1 "            \n"                                                \
  "smmlar " s2 ", " s2 ", w0, " s2 "            \n"                                                \
  "asrs   " s0 ", " s0 ", w1                    \n"                                                \
  "adc    " s0 ", " s0 ", x0                    \n"                                                \
  "asrs   " s1 ", " s1 ", w1                    \n"                                                \
  "adc    " s1 ", " s1 ", x0                    \n"                                                \
  "asrs   " s2 ", " s2 ", w1                    \n"                                                \
  "ssat   " s0 ", #8, " s0 "                    \n"                                                \
  "smmlar " s3 ", " s3 ", w0, " s3 "            \n"                                                \
  "ssat   " s1 ", #8, " s1 "                    \n"                                                \
  "adc    " s2 ", " s2 ", x0                    \n"                                                \
  "asrs   " s3 ", " s3 ", w1                    \n"                                                \
  then_w0                                      "\n"                                                \
  "adc    " s3 ", " s3 ", x0                    \n"                                                \
  then_x0                                      "\n"                                                \
  "strb   " s0 ", " first "                     \n"                                                \
  "add    " s0 ", in, x1, lsl #1                \n"                                                \
  "ssat   " s2 ", #8, " s2 "                    \n"                                                \
  "strb   " s1 ", [in, x1]                      \n"                                                \
  "ssat   " s3 ", #8, " s3 "                    \n"                                                \
  "strb   " s2 ", [in, x1, lsl #1]              \n"                                                \
  "strb   " s3 ", [" s0 ", x1]                  \n"

// A negative value is rounded as if it were one less, see requantize.h; where a negative sum was
// rounded to zero, the shift gives zero either way.
#define REQUANTIZE_FOUR_LINEAR(s0, s1, s2, s3, first, then_w0, then_x0) \
  "smmlar " s0 ", " s0 ", w0, " s0 "            \n"                                                \
  "smmlar " s2 ", " s2 ", w0, " s2 "            \n"                                                \
  "smmlar " s1 ", " s1 ", w0, " s1 "            \n"                                                \
  "smmlar " s3 ", " s3 ", w0, " s3 "            \n"                                                \
  "add    " s0 ", " s0 ", " s0 ", asr #31       \n"                                                \
  then_w0                                      "\n"                                                \
  "asrs   " s0 ", " s0 ", w1                    \n"                                                \
  "adc    " s0 ", " s0 ", x0                    \n"                                                \
  "add    " s1 ", " s1 ", " s1 ", asr #31       \n"                                                \
  "asrs   " s1 ", " s1 ", w1                    \n"                                                \
  "add    " s2 ", " s2 ", " s2 ", asr #31       \n"                                                \
  "adc    " s1 ", " s1 ", x0                    \n"                                                \
  "asrs   " s2 ", " s2 ", w1                    \n"                                                \
  "add    " s3 ", " s3 ", " s3 ", asr #31       \n"                                                \
  "adc    " s2 ", " s2 ", x0                    \n"                                                \
  "asrs   " s3 ", " s3 ", w1                    \n"                                                \
  "ssat   " s1 ", #8, " s1 "                    \n"                                                \
  "ssat   " s0 ", #8, " s0 "                    \n"                                                \
  "adc    " s3 ", " s3 ", x0                    \n"                                                \
  then_x0                                      "\n"                                                \
  "strb   " s0 ", " first "                     \n"                                                \
  "add    " s0 ", in, x1, lsl #1                \n"                                                \
  "ssat   " s2 ", #8, " s2 "                    \n"                                                \
  "strb   " s1 ", [in, x1]                      \n"                                                \
  "ssat   " s3 ", #8, " s3 "                    \n"                                                \
  "strb   " s2 ", [in, x1, lsl #1]              \n"                                                \
  "strb   " s3 ", [" s0 ", x1]                  \n"

// Two channels, after which the pointers go on to the next two.
#define REQUANTIZE_EIGHT(four)                                                                    \
  four("sum00", "sum01", "sum02", "sum03", "[in]", "ldr w0, [wp, #4 - ahead]",                    \
       "ldrb w1, [wp, #9 - ahead]")                                                                \
  four("sum10", "sum11", "sum12", "sum13", "[in, #1]!", "add wp, wp, #12 - ahead",                \
       "ldr x0, [sp, #frame + 60]")

// Four columns. Registers:
//   in   input pairs          wp  packed weights
//   sum00 … sum03, sum10 … sum13      sums of channel 0 and 1 by column
//   w0, w1                    weights of the two channels; requantization: multiplier and shift
//   x0, x1                    activations of two columns; requantization: zero point and stride
// Stack, behind the frame: #0 columns, #4 output, #8 stride, #48 columns_end, #52 enter_midway, #56 zero_point,
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

// A function for four columns. `begin` may put words on the stack, and sets the symbol `frame` to their bytes; of the
// registers it leaves wp as it was. `sums`: from the columns in `in` and the weights in wp to the sums, and wp
// `ahead` bytes (a symbol that it sets) past all that precedes `doubled`. `finish`: the function that
// requantizes a pair of channels the general way. Modes beyond linear go to label `beyond`, which is 6
// or in `others`.
#define FOUR_COLUMNS_FUNCTION(begin, sums, load_first_multiplier, beyond, others, finish)          \
      FOUR_COLUMNS_REGISTERS                                                                       \
      "push {r0, r2-r11, lr}                \n"                                                    \
      begin                                                                                        \
  "1:  ldr    in, [sp, #frame]                  \n"  /* a pair of output channels */                   \
      sums                                                                                         \
      "ldrb   in, [wp, #10 - ahead]         \n"  /* mode */                                        \
      load_first_multiplier                                                                        \
      "ldrb   w1, [wp, #8 - ahead]          \n"                                                    \
      "ldr    x0, [sp, #frame + 56]                 \n"                                                    \
      "cmp    in, #1                        \n"                                                    \
      "ldrd   in, x1, [sp, #frame + 4]              \n"                                                    \
      "bhs    5f                            \n"                                                    \
      REQUANTIZE_EIGHT(REQUANTIZE_FOUR_RELU)                                                       \
  "4:  add    in, in, #1                    \n"                                                    \
      "str    in, [sp, #frame + 4]                  \n"                                                    \
      "cmp    wp, x0                        \n"                                                    \
      "bne    1b                            \n"                                                    \
      ".if frame                            \n"                                                    \
      "add    sp, sp, #frame                \n"                                                    \
      ".endif                               \n"                                                    \
      "pop    {r0, r2-r11, pc}              \n"                                                    \
  "5:  bhi    " beyond "                   \n"                                                     \
      REQUANTIZE_EIGHT(REQUANTIZE_FOUR_LINEAR)                                                     \
      "b      4b                            \n"                                                    \
      others                                                                                       \
  "6:  push   {sum00, sum01, sum02, sum03, sum10, sum11, sum12, sum13}\n"  /* general */           \
      "sub    r4, wp, #ahead                \n"                                                    \
      "ldr    r5, [sp, #frame + 36]                 \n"                                                    \
      "ldr    r6, [sp, #frame + 96]                 \n"                                                    \
      "mov    r0, sp                        \n"                                                    \
      "mov    r2, r5                        \n"                                                    \
      "movs   r3, #4                        \n"                                                    \
      "push   {r6, r7}                      \n"                                                    \
      "mov    r1, r4                        \n"                                                    \
      "bl     " finish "                    \n"                                                    \
      "add    sp, sp, #40                   \n"                                                    \
      "adds   in, r5, #1                    \n"                                                    \
      "add    wp, r4, #12                   \n"                                                    \
      "ldr    x0, [sp, #frame + 60]                 \n"                                                    \
      "b      4b                            \n"                                                    \
      FOUR_COLUMNS_REGISTERS_END

// One column: less reuse, so two pairs of channels at a time, whose weights are two streams.
// Registers:
//   in, end                   input pairs
//   wa, wb                    packed weights of the two pairs of channels
//   sum0 … sum3               sums of the four channels
//   x0, x1                    activations
//   w0 … w3                   weights
// Stack: #0 column, #4 output, #48 columns_end, … as above.
#define ONE_COLUMN_REGISTERS                                                                \
  "in .req r2\n end .req r3\n wa .req r1\n wb .req r0\n"                                           \
  "sum0 .req r4\n sum1 .req r5\n sum2 .req r6\n sum3 .req r7\n x0 .req r8\n x1 .req r9\n"          \
  "w0 .req r10\n w1 .req r11\n w2 .req r12\n w3 .req lr\n"
#define ONE_COLUMN_REGISTERS_END                                                            \
  ".unreq in\n .unreq end\n .unreq wa\n .unreq wb\n"                                               \
  ".unreq sum0\n .unreq sum1\n .unreq sum2\n .unreq sum3\n .unreq x0\n .unreq x1\n"                \
  ".unreq w0\n .unreq w1\n .unreq w2\n .unreq w3\n"

// A function for one column. `pair_bytes`: the bytes of a pair of channels into wb, which holds the
// column. `two_pairs`, `one_pair`: from the weights in wa (and wb) to the sums, and these pointers to
// `doubled`.
#define ONE_COLUMN_FUNCTION(pair_bytes, two_pairs, one_pair, finish)                               \
      ONE_COLUMN_REGISTERS                                                                         \
      "push   {r0, r2-r11, lr}              \n"                                                    \
      "ldr    end, [sp, #48]                \n"                                                    \
      "ldr    w3, [sp, #60]                 \n"                                                    \
      pair_bytes                                                                                   \
      "add    wb, wb, wa                    \n"                                                    \
      "cmp    wb, w3                        \n"                                                    \
      "bhs    4f                            \n"                                                    \
  "1:  ldr    in, [sp]                      \n"                                                    \
      two_pairs                                                                                    \
      "ldrb   x0, [wa, #10]                 \n"  /* modes */                                       \
      "ldrb   x1, [wb, #10]                 \n"                                                    \
      "ldrd   w0, w1, [wa]                  \n"                                                    \
      "orr    x0, x0, x1                    \n"                                                    \
      "cmp    x0, #1                        \n"                                                    \
      "ldr    in, [sp, #56]                 \n"  /* zero point */                                  \
      "bhi    7f                            \n"                                                    \
      /* ReLU differs from linear only in leaving out a correction; here it is cheap enough. */    \
      "smmlar sum1, sum1, w1, sum1          \n"                                                    \
      "ldrb   w2, [wa, #8]                  \n"                                                    \
      "ldrb   w3, [wa, #9]                  \n"                                                    \
      "smmlar sum0, sum0, w0, sum0          \n"                                                    \
      "ldrd   w0, w1, [wb]                  \n"                                                    \
      "smmlar sum3, sum3, w1, sum3          \n"                                                    \
      "add    sum1, sum1, sum1, asr #31     \n"                                                    \
      "smmlar sum2, sum2, w0, sum2          \n"                                                    \
      "add    sum0, sum0, sum0, asr #31     \n"                                                    \
      "asrs   sum0, sum0, w2                \n"                                                    \
      "sub    w1, wb, wa                    \n"                                                    \
      "adc    sum0, sum0, in                \n"                                                    \
      "asrs   sum1, sum1, w3                \n"                                                    \
      "adc    sum1, sum1, in                \n"                                                    \
      "ldr    w3, [sp, #60]                 \n"                                                    \
      "ldrb   x1, [wb, #9]                  \n"                                                    \
      "ldr    w0, [sp, #4]                  \n"  /* output */                                      \
      "ldrb   x0, [wb, #8]                  \n"                                                    \
      "add    sum3, sum3, sum3, asr #31     \n"                                                    \
      "ssat   sum0, #8, sum0                \n"                                                    \
      "add    wa, wb, #12                   \n"  /* the next two pairs */                          \
      "add    sum2, sum2, sum2, asr #31     \n"                                                    \
      "add    wb, wa, w1                    \n"                                                    \
      "strb   sum0, [w0], #4                \n"                                                    \
      "asrs   sum2, sum2, x0                \n"                                                    \
      "adc    sum2, sum2, in                \n"                                                    \
      "asrs   sum3, sum3, x1                \n"                                                    \
      "ssat   sum1, #8, sum1                \n"                                                    \
      "adc    sum3, sum3, in                \n"                                                    \
      "ssat   sum2, #8, sum2                \n"                                                    \
      "strb   sum1, [w0, #-3]               \n"                                                    \
      "ssat   sum3, #8, sum3                \n"                                                    \
      "strb   sum2, [w0, #-2]               \n"                                                    \
      "strb   sum3, [w0, #-1]               \n"                                                    \
  "3:  str    w0, [sp, #4]                  \n"                                                    \
      "cmp    wb, w3                        \n"                                                    \
      "blo    1b                            \n"                                                    \
  "4:  cmp    wa, w3                        \n"                                                    \
      "beq    6f                            \n"                                                    \
      "ldr    in, [sp]                      \n"  /* a pair that is left */                         \
      one_pair                                                                                     \
      "ldrb   x0, [wa, #10]                 \n"                                                    \
      "ldrb   w2, [wa, #8]                  \n"                                                    \
      "ldrb   w3, [wa, #9]                  \n"                                                    \
      "ldr    in, [sp, #56]                 \n"                                                    \
      "cmp    x0, #1                        \n"                                                    \
      "ldrd   w0, w1, [wa]                  \n"                                                    \
      "bhi    8f                            \n"                                                    \
      "smmlar sum0, sum0, w0, sum0          \n"                                                    \
      "smmlar sum1, sum1, w1, sum1          \n"                                                    \
      "ldr    w0, [sp, #4]                  \n"                                                    \
      "add    sum0, sum0, sum0, asr #31     \n"                                                    \
      "asrs   sum0, sum0, w2                \n"                                                    \
      "adc    sum0, sum0, in                \n"                                                    \
      "add    sum1, sum1, sum1, asr #31     \n"                                                    \
      "asrs   sum1, sum1, w3                \n"                                                    \
      "ssat   sum0, #8, sum0                \n"                                                    \
      "adc    sum1, sum1, in                \n"                                                    \
      "ssat   sum1, #8, sum1                \n"                                                    \
      "strb   sum0, [w0]                    \n"                                                    \
      "strb   sum1, [w0, #1]                \n"                                                    \
  "6:  pop    {r0, r2-r11, pc}              \n"                                                    \
  /* Two pairs, of which at least one takes the general way. */ \
  "7:  push   {sum0, sum1, sum2, sum3}      \n"                                                    \
      "mov    r4, wa                        \n"                                                    \
      "mov    r5, wb                        \n"                                                    \
      "ldr    r6, [sp, #16 + 4]             \n"                                                    \
      "ldr    r7, [sp, #16 + 64]            \n"                                                    \
      "push   {r7, r8}                      \n"                                                    \
      "add    r0, sp, #8                    \n"                                                    \
      "mov    r2, r6                        \n"                                                    \
      "movs   r3, #1                        \n"                                                    \
      "bl     " finish "                    \n"                                                    \
      "add    r0, sp, #16                   \n"                                                    \
      "mov    r1, r5                        \n"                                                    \
      "adds   r2, r6, #2                    \n"                                                    \
      "movs   r3, #1                        \n"                                                    \
      "bl     " finish "                    \n"                                                    \
      "add    sp, sp, #24                   \n"                                                    \
      "sub    w1, r5, r4                    \n"                                                    \
      "add    wa, r5, #12                   \n"                                                    \
      "add    wb, wa, w1                    \n"                                                    \
      "add    w0, r6, #4                    \n"                                                    \
      "ldr    end, [sp, #48]                \n"                                                    \
      "ldr    w3, [sp, #60]                 \n"                                                    \
      "b      3b                            \n"                                                    \
  /* The pair that is left. */ \
  "8:  push   {sum0, sum1}                  \n"                                                    \
      "mov    r0, sp                        \n"                                                    \
      "ldr    r2, [sp, #8 + 4]              \n"                                                    \
      "movs   r3, #1                        \n"                                                    \
      "ldr    r7, [sp, #8 + 64]             \n"                                                    \
      "push   {r7, r8}                      \n"                                                    \
      "bl     " finish "                    \n"                                                    \
      "add    sp, sp, #16                   \n"                                                    \
      "b      6b                            \n"                                                    \
      ONE_COLUMN_REGISTERS_END

// clang-format on

#endif  // MCUNET_KERNELS_MATMUL_DSP_H_
