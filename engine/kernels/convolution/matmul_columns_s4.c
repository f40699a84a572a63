#include "matmul_columns_s4.h"

#include "matmul_dsp.h"

#if MCUNET_DSP
#define ODD(to, from) "and " to ", " from ", #0xff00ff00\n"
#else
#define ODD(word) ((word)&0xff00ff00u)
#endif
#define KERNEL(name) mcunet_##name##_s4
#include "widen_columns.inc"

// Adds four values of both channels to the sums, sums[channel][column], without a scale.
static void add_products(uint32_t word, const uint32_t* pairs, int32_t columns, int32_t* sums) {
  const int32_t a[4] = {(int32_t)(word >> 8 & 15) - 8, (int32_t)(word & 15) - 8,
                        (int32_t)(word >> 24 & 15) - 8, (int32_t)(word >> 16 & 15) - 8};
  const int32_t b[4] = {mcunet_low(word) >> 12, (int32_t)(word >> 4 & 15) - 8,
                        mcunet_high(word) >> 12, (int32_t)(word >> 20 & 15) - 8};
  for (int32_t column = 0; column < columns; ++column) {
    const uint32_t even = pairs[column];
    const uint32_t odd = pairs[columns + column];
    const int32_t x[4] = {mcunet_low(even), mcunet_low(odd) >> 8, mcunet_high(even),
                          mcunet_high(odd) >> 8};
    const int32_t of_a = a[0] * x[0] + a[1] * x[1] + a[2] * x[2] + a[3] * x[3];
    const int32_t of_b = b[0] * x[0] + b[1] * x[1] + b[2] * x[2] + b[3] * x[3];
    sums[column] = mcunet_wrapping_add(sums[column], of_a);
    sums[columns + column] = mcunet_wrapping_add(sums[columns + column], of_b);
  }
}

// The sums of a pair of channels, whatever their size.
static void sum_exactly(const uint32_t* pairs, int32_t columns, const int8_t* weights,
                        int32_t padded_depth, int32_t* sums) {
  const int32_t* const bias = (const int32_t*)(const void*)(weights + padded_depth);
  for (int32_t i = 0; i < 2 * columns; ++i) sums[i] = bias[i >= columns];
  for (int32_t k = 0; k < padded_depth; k += 4, pairs += 2 * columns) {
    add_products(mcunet_load_word(weights + k), pairs, columns, sums);
  }
}

#if MCUNET_DSP

// What a function for some columns is told beside what all are.
struct call {
  int32_t starts[2];  // of the sums of a pair; those of four columns are in the function's frame
  const struct mcunet_matmul* matmul;
  const uint32_t* columns;
};

__attribute__((used, noinline)) void mcunet_finish_pair_s4(int32_t* sums,
                                                           const struct mcunet_pair_tail* tail,
                                                           int8_t* output, int32_t columns,
                                                           const struct call* call) {
  const struct mcunet_matmul* const matmul = call->matmul;
  if (tail->mode == MCUNET_REQUANTIZE_EXACT) {
    const int32_t depth = matmul->padded_depth;
    const int8_t* const weights = (const int8_t*)tail - MCUNET_PAIR_BIAS_BYTES - depth;
    sum_exactly(call->columns, columns, weights, depth, sums);
  }
  for (int32_t i = 0; i < tail->channels; ++i) {
    mcunet_requantize_sums(sums + i * columns, columns, tail->doubled[i], tail->shift[i],
                           &matmul->output, output + i, matmul->column_stride);
  }
}

// The stack arguments are those of matmul_dsp.h, with the call instead of the matmul.
void mcunet_matmul_four_columns_s4_dsp(const uint32_t* columns, const void* weights, int8_t* output,
                                       int32_t column_stride, const uint32_t* columns_end,
                                       uint32_t enter_midway, int32_t zero_point,
                                       const void* weights_end, const struct call* call);
void mcunet_matmul_one_column_s4_dsp(const uint32_t* column, const void* weights, int8_t* output,
                                     int32_t column_stride, const uint32_t* columns_end,
                                     uint32_t enter_midway, int32_t zero_point,
                                     const void* weights_end, const struct call* call);

// clang-format off

// Adds four values of each column, times -8.
#define ADD_FOUR(mac, b00, b01, b02, b03, b10, b11, b12, b13, load_end, compare_end)  \
  "ldmia  in!, {w0, w1, x0, x1}     \n"                                              \
  mac "   sum00, w0, wp " b00 "     \n"                                              \
  mac "   sum01, w1, wp " b01 "     \n"                                              \
  mac "   sum02, x0, wp " b02 "     \n"                                              \
  mac "   sum03, x1, wp " b03 "     \n"                                              \
  "ldmia  in!, {w0, w1, x0, x1}     \n"                                              \
  mac "   sum10, w0, wp " b10 "     \n"                                              \
  load_end "                        \n"                                              \
  mac "   sum11, w1, wp " b11 "     \n"                                              \
  compare_end "                     \n"                                              \
  mac "   sum12, x0, wp " b12 "     \n"                                              \
  mac "   sum13, x1, wp " b13 "     \n"
#define ADD_FOUR_MORE(load_end, compare_end)                                          \
  ADD_FOUR("smlad", ", sum00", ", sum01", ", sum02", ", sum03", ", sum10", ", sum11", ", sum12", ", sum13", \
           load_end, compare_end)

// The frame holds what the sums of a pair start from, [channel][column]: the sums of the columns' values, times what
// is to be subtracted. A column has eight values at least, so that the first four give the sums without a loop
// before it.
#define SUM_COLUMNS                                                            \
  ".set   frame, 32                 \n"                                      \
  "sub    sp, sp, #frame            \n"                                      \
  "str    wp, [sp]                  \n"                                      \
  "mvn    wp, #0x00070007           \n" /* a pair of -8 */                   \
  ADD_FOUR("smuad", "", "", "", "", "", "", "", "", "ldr w0, [sp, #frame + 52]", "cmp w0, #0")  \
  "beq    8f                        \n"                                      \
  "7:                               \n"                                      \
  ADD_FOUR_MORE("", "") /* eight values */                                    \
  "8:                               \n"                                      \
  ADD_FOUR_MORE("ldr w0, [sp, #frame + 48]", "cmp in, w0")                    \
  "bne    7b                        \n"                                      \
  "ldr    wp, [sp]                  \n"                                      \
  "add    sum00, sum10, sum00, lsl #8\n"                                     \
  "add    sum01, sum11, sum01, lsl #8\n"                                     \
  "add    sum02, sum12, sum02, lsl #8\n"                                     \
  "add    sum03, sum13, sum03, lsl #8\n"                                     \
  "lsl    sum10, sum10, #4          \n"                                      \
  "lsl    sum11, sum11, #4          \n"                                      \
  "lsl    sum12, sum12, #4          \n"                                      \
  "lsl    sum13, sum13, #4          \n"                                      \
  "stm    sp, {sum00, sum01, sum02, sum03, sum10, sum11, sum12, sum13}\n"

// From 256 and 4096 times the sums, with the bias.
#define LAST_SUMS                         \
  "add    sum00, w0, sum00, asr #8  \n"  \
  "add    sum10, w1, sum10, asr #12 \n"  \
  "add    sum01, w0, sum01, asr #8  \n"  \
  "add    sum11, w1, sum11, asr #12 \n"  \
  "add    sum02, w0, sum02, asr #8  \n"  \
  "add    sum12, w1, sum12, asr #12 \n"  \
  "add    sum03, w0, sum03, asr #8  \n"  \
  "add    sum13, w1, sum13, asr #12 \n"

#if MCUNET_DUAL_ISSUE

// Four values of two channels and four columns, 32 multiply-accumulates, in the order of
// matmul_columns.c. The weight word is in w0 already; after the last one that is the first bias.
#define FIRST_HALF(load10, load00, load01, load11, load12, load02, load03, load13)  \
  load10                                  \
  "and    w1, w0, #0xf000f000       \n"  \
  "ldr    x0, [in], #32             \n"  \
  "and    w0, w0, #0x0f000f00       \n"  \
  load00                                  \
  "smlad  sum10, w1, x0, sum10      \n"  \
  "ldr    x1, [in, #-28]            \n"  \
  "smlad  sum00, w0, x0, sum00      \n"  \
  load01                                  \
  load11                                  \
  "smlad  sum01, w0, x1, sum01      \n"  \
  "ldr    x0, [in, #-24]            \n"  \
  "smlad  sum11, w1, x1, sum11      \n"  \
  load12                                  \
  "ldr    x1, [in, #-20]            \n"  \
  "smlad  sum12, w1, x0, sum12      \n"  \
  load02                                  \
  "smlad  sum02, w0, x0, sum02      \n"  \
  load03                                  \
  "ldr    x0, [in, #-16]            \n"  \
  load13                                  \
  "smlad  sum03, w0, x1, sum03      \n"  \
  "ldr    w0, [wp, #-4]             \n"  \
  "smlad  sum13, w1, x1, sum13      \n"
#define SECOND_HALF(load_end, compare_end)  \
  "and    w1, w0, #0x00f000f0       \n"  \
  "ldr    x1, [in, #-12]            \n"  \
  "and    w0, w0, #0x000f000f       \n"  \
  "smlad  sum10, w1, x0, sum10      \n"  \
  "smlad  sum00, w0, x0, sum00      \n"  \
  "ldr    x0, [in, #-8]             \n"  \
  "smlad  sum02, w0, x0, sum02      \n"  \
  "smlad  sum12, w1, x0, sum12      \n"  \
  load_end "                        \n"  \
  "smlad  sum01, w0, x1, sum01      \n"  \
  compare_end "                     \n"  \
  "smlad  sum11, w1, x1, sum11      \n"  \
  "ldr    x1, [in, #-4]             \n"  \
  "smlad  sum03, w0, x1, sum03      \n"  \
  "ldr    w0, [wp], #4              \n"  \
  "smlad  sum13, w1, x1, sum13      \n"

#define START(sum, at) "ldr " sum ", [sp, #" at "]\n"
#define FOUR_COLUMNS_SUMS                                                                  \
  "ldr    w0, [wp], #4              \n"                                                  \
  FIRST_HALF(START("sum10", "16"), START("sum00", "0"), START("sum01", "4"), START("sum11", "20"), \
             START("sum12", "24"), START("sum02", "8"), START("sum03", "12"), START("sum13", "28"))  \
  SECOND_HALF("", "")                                                                     \
  "2:                               \n"                                                  \
  FIRST_HALF("", "", "", "", "", "", "", "")                                              \
  SECOND_HALF("ldr x0, [sp, #frame + 48]", "cmp in, x0")                                  \
  "bne    2b                        \n"                                                  \
  ".set   ahead, 0                  \n"                                                  \
  "ldr    w1, [wp], #4              \n"                                                  \
  LAST_SUMS

#else

// One pair of values of two channels and four columns.
#define STEP(load_weights, mask_a, mask_b)  \
  load_weights "                    \n"  \
  "ldrd   x0, x1, [in], #8          \n"  \
  "and    w0, w1, #" mask_a "       \n"  \
  "and    w1, w1, #" mask_b "       \n"  \
  "smlad  sum00, w0, x0, sum00      \n"  \
  "smlad  sum10, w1, x0, sum10      \n"  \
  "smlad  sum01, w0, x1, sum01      \n"  \
  "smlad  sum11, w1, x1, sum11      \n"  \
  "ldrd   x0, x1, [in], #8          \n"  \
  "smlad  sum02, w0, x0, sum02      \n"  \
  "smlad  sum12, w1, x0, sum12      \n"  \
  "smlad  sum03, w0, x1, sum03      \n"  \
  "smlad  sum13, w1, x1, sum13      \n"
#define TWO_STEPS                                           \
  STEP("ldr w1, [wp]", "0x0f000f00", "0xf000f000")          \
  STEP("ldr w1, [wp], #4", "0x000f000f", "0x00f000f0")

#define FOUR_COLUMNS_SUMS                  \
  "ldm    sp, {sum00, sum01, sum02, sum03, sum10, sum11, sum12, sum13}\n"  \
  "ldr    x0, [sp, #frame + 52]     \n"  \
  "cmp    x0, #0                    \n"  \
  "bne    3f                        \n"  \
  "2:                               \n"  \
  TWO_STEPS /* eight values */            \
  "3:                               \n"  \
  TWO_STEPS                               \
  "ldr    x0, [sp, #frame + 48]     \n"  \
  "cmp    in, x0                    \n"  \
  "bne    2b                        \n"  \
  ".set   ahead, 0                  \n"  \
  "ldrd   w0, w1, [wp], #8          \n"  \
  LAST_SUMS

#endif

#define LOAD_FIRST_MULTIPLIER "ldr w0, [wp]\n"

// As REQUANTIZE_FOUR_LINEAR, for a shift to the left, or none.
#define REQUANTIZE_FOUR_UP(s0, s1, s2, s3, first, then_w0, then_x0) \
  "rsb    w1, w1, #0                            \n" \
  "lsl    " s0 ", " s0 ", w1                    \n" \
  "lsl    " s1 ", " s1 ", w1                    \n" \
  "lsl    " s2 ", " s2 ", w1                    \n" \
  "lsl    " s3 ", " s3 ", w1                    \n" \
  "smmlar " s0 ", " s0 ", w0, " s0 "            \n" \
  "smmlar " s1 ", " s1 ", w0, " s1 "            \n" \
  "smmlar " s2 ", " s2 ", w0, " s2 "            \n" \
  "smmlar " s3 ", " s3 ", w0, " s3 "            \n" \
  then_w0                                      "\n" \
  "add    " s0 ", " s0 ", x0                    \n" \
  "add    " s1 ", " s1 ", x0                    \n" \
  "ssat   " s0 ", #8, " s0 "                    \n" \
  "add    " s2 ", " s2 ", x0                    \n" \
  "ssat   " s1 ", #8, " s1 "                    \n" \
  "add    " s3 ", " s3 ", x0                    \n" \
  then_x0                                      "\n" \
  "strb   " s0 ", " first "                     \n" \
  "add    " s0 ", in, x1, lsl #1                \n" \
  "ssat   " s2 ", #8, " s2 "                    \n" \
  "strb   " s1 ", [in, x1]                      \n" \
  "ssat   " s3 ", #8, " s3 "                    \n" \
  "strb   " s2 ", [in, x1, lsl #1]              \n" \
  "strb   " s3 ", [" s0 ", x1]                  \n"

// Each channel of the pair by the sign of its shift.
#define REQUANTIZE_MIXED                                                                            \
  "9:  ldrb   x0, [wp, #10]                 \n"                                                     \
      "cmp    x0, #4                        \n"  /* MCUNET_REQUANTIZE_MIXED */                      \
      "bne    6f                            \n"                                                     \
      "ldr    x0, [sp, #frame + 56]         \n"                                                     \
      "ldrsb  w1, [wp, #8]                  \n"                                                     \
      "cmp    w1, #0                        \n"                                                     \
      "ble    10f                           \n"                                                     \
      REQUANTIZE_FOUR_LINEAR("sum00", "sum01", "sum02", "sum03", "[in]", "ldr w0, [wp, #4]", "")    \
      "b      11f                           \n"                                                     \
  "10: " REQUANTIZE_FOUR_UP("sum00", "sum01", "sum02", "sum03", "[in]", "ldr w0, [wp, #4]", "")     \
  "11: ldrsb  w1, [wp, #9]                  \n"                                                     \
      "cmp    w1, #0                        \n"                                                     \
      "ble    12f                           \n"                                                     \
      REQUANTIZE_FOUR_LINEAR("sum10", "sum11", "sum12", "sum13", "[in, #1]!", "add wp, wp, #12",    \
                             "ldr x0, [sp, #frame + 60]")                                                   \
      "b      4b                            \n"                                                     \
  "12: " REQUANTIZE_FOUR_UP("sum10", "sum11", "sum12", "sum13", "[in, #1]!", "add wp, wp, #12",     \
                            "ldr x0, [sp, #frame + 60]")                                                    \
      "b      4b                            \n"

__attribute__((naked)) void mcunet_matmul_four_columns_s4_dsp(
    const uint32_t* columns __attribute__((unused)), const void* weights __attribute__((unused)),
    int8_t* output __attribute__((unused)), int32_t column_stride __attribute__((unused)),
    const uint32_t* columns_end __attribute__((unused)),
    uint32_t enter_midway __attribute__((unused)), int32_t zero_point __attribute__((unused)),
    const void* weights_end __attribute__((unused)),
    const struct call* call __attribute__((unused))) {
  __asm__ volatile(
      FOUR_COLUMNS_FUNCTION(SUM_COLUMNS, FOUR_COLUMNS_SUMS, LOAD_FIRST_MULTIPLIER, "9f", REQUANTIZE_MIXED,
                            "mcunet_finish_pair_s4"));
}

// One column. Four values of four channels, 16 multiply-accumulates, and whether they are the last.
#define TWO_PAIRS                             \
      "ldr    x0, [sp, #64]                 \n" \
      "ldrd   sum0, sum1, [x0]              \n" \
      "mov    sum2, sum0                    \n" \
      "mov    sum3, sum1                    \n" \
  "2:  ldr    w0, [wa], #4                  \n" \
      "ldr    x0, [in], #8                  \n" \
      "ldr    w1, [wb], #4                  \n" \
      "ldr    x1, [in, #-4]                 \n" \
      "and    w2, w0, #0x0f000f00           \n" \
      "and    w3, w0, #0xf000f000           \n" \
      "smlad  sum0, w2, x0, sum0            \n" \
      "and    w2, w0, #0x000f000f           \n" \
      "smlad  sum1, w3, x0, sum1            \n" \
      "and    w3, w0, #0x00f000f0           \n" \
      "smlad  sum0, w2, x1, sum0            \n" \
      "and    w2, w1, #0x0f000f00           \n" \
      "smlad  sum1, w3, x1, sum1            \n" \
      "and    w3, w1, #0xf000f000           \n" \
      "smlad  sum2, w2, x0, sum2            \n" \
      "and    w2, w1, #0x000f000f           \n" \
      "smlad  sum3, w3, x0, sum3            \n" \
      "and    w3, w1, #0x00f000f0           \n" \
      "smlad  sum2, w2, x1, sum2            \n" \
      "cmp    in, end                       \n" \
      "smlad  sum3, w3, x1, sum3            \n" \
      "bne    2b                            \n" \
      "ldrd   w0, w1, [wa], #8              \n" \
      "ldrd   w2, w3, [wb], #8              \n" \
      "add    sum0, w0, sum0, asr #8        \n" \
      "add    sum1, w1, sum1, asr #12       \n" \
      "add    sum2, w2, sum2, asr #8        \n" \
      "add    sum3, w3, sum3, asr #12       \n"

#define ONE_PAIR                              \
      "ldr    x0, [sp, #64]                 \n" \
      "ldrd   sum0, sum1, [x0]              \n" \
  "5:  ldr    w0, [wa], #4                  \n" \
      "ldr    x0, [in], #8                  \n" \
      "ldr    x1, [in, #-4]                 \n" \
      "and    w2, w0, #0x0f000f00           \n" \
      "and    w3, w0, #0xf000f000           \n" \
      "smlad  sum0, w2, x0, sum0            \n" \
      "and    w2, w0, #0x000f000f           \n" \
      "smlad  sum1, w3, x0, sum1            \n" \
      "and    w3, w0, #0x00f000f0           \n" \
      "smlad  sum0, w2, x1, sum0            \n" \
      "cmp    in, end                       \n" \
      "smlad  sum1, w3, x1, sum1            \n" \
      "bne    5b                            \n" \
      "ldrd   w0, w1, [wa], #8              \n" \
      "add    sum0, w0, sum0, asr #8        \n" \
      "add    sum1, w1, sum1, asr #12       \n"

#define PAIR_BYTES /* mcunet_pair_bytes_s4() */ \
      "sub    wb, end, wb                   \n" \
      "lsr    wb, wb, #1                    \n" \
      "add    wb, wb, #20                   \n"

__attribute__((naked)) void mcunet_matmul_one_column_s4_dsp(
    const uint32_t* column __attribute__((unused)), const void* weights __attribute__((unused)),
    int8_t* output __attribute__((unused)), int32_t column_stride __attribute__((unused)),
    const uint32_t* columns_end __attribute__((unused)),
    uint32_t enter_midway __attribute__((unused)), int32_t zero_point __attribute__((unused)),
    const void* weights_end __attribute__((unused)),
    const struct call* call __attribute__((unused))) {
  __asm__ volatile(
      ONE_COLUMN_FUNCTION(PAIR_BYTES, TWO_PAIRS, ONE_PAIR, "mcunet_finish_pair_s4"));
}

// clang-format on

void mcunet_matmul_four_columns_s4(const uint32_t* columns, int8_t* output,
                                   const struct mcunet_matmul* matmul) {
  const uint32_t* const end = columns + 2 * matmul->padded_depth;
  struct call call;
  call.matmul = matmul;
  call.columns = columns;
  mcunet_matmul_four_columns_s4_dsp(columns, matmul->weights, output, matmul->column_stride, end,
                                    /*enter_midway=*/(uint32_t)matmul->padded_depth & 4,
                                    matmul->output.zero_point, matmul->weights_end, &call);
}

void mcunet_matmul_one_column_s4(const uint32_t* column, int8_t* output,
                                 const struct mcunet_matmul* matmul) {
  const uint32_t* const end = column + matmul->padded_depth / 2;
  const uint32_t minus_eight = 0xfff8fff8u;
  int32_t even = 0;
  int32_t odd = 0;
  for (const uint32_t* pair = column; pair != end; pair += 2) {
    even = mcunet_mac_pairs(pair[0], minus_eight, even);
    odd = mcunet_mac_pairs(pair[1], minus_eight, odd);
  }
  struct call call;
  call.matmul = matmul;
  call.columns = column;
  call.starts[0] = (int32_t)(((uint32_t)even << 8) + (uint32_t)odd);
  call.starts[1] = (int32_t)((uint32_t)odd << 4);
  mcunet_matmul_one_column_s4_dsp(column, matmul->weights, output, matmul->column_stride, end,
                                  /*enter_midway=*/0, matmul->output.zero_point,
                                  matmul->weights_end, &call);
}

#else

static void multiply(const uint32_t* columns, int32_t count, int8_t* output,
                     const struct mcunet_matmul* matmul) {
  const int32_t depth = matmul->padded_depth;
  const int8_t* weights = (const int8_t*)matmul->weights;
  for (; weights != (const int8_t*)matmul->weights_end; weights += mcunet_pair_bytes_s4(depth)) {
    int32_t sums[2 * MCUNET_COLUMNS];
    sum_exactly(columns, count, weights, depth, sums);
    const void* const tail = weights + depth + MCUNET_PAIR_BIAS_BYTES;
    mcunet_requantize_pair(sums, (const struct mcunet_pair_tail*)tail, output, count, matmul);
    output += 2;
  }
}

void mcunet_matmul_four_columns_s4(const uint32_t* columns, int8_t* output,
                                   const struct mcunet_matmul* matmul) {
  multiply(columns, MCUNET_COLUMNS, output, matmul);
}

void mcunet_matmul_one_column_s4(const uint32_t* column, int8_t* output,
                                 const struct mcunet_matmul* matmul) {
  multiply(column, 1, output, matmul);
}

#endif
