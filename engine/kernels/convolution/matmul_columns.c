#include "matmul_columns.h"

#include "matmul_dsp.h"

__attribute__((used, noinline)) void mcunet_requantize_pair(const int32_t* sums,
                                                            const struct mcunet_pair_tail* tail,
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

#if MCUNET_DSP
#define ODD(to, from) "sxtb16 " to ", " from ", ror #8\n"
#else
#define ODD(word) mcunet_widen_odd(word)
#endif
#define KERNEL(name) mcunet_##name
#include "widen_columns.inc"

#if MCUNET_DSP

// enter_midway: not zero if the depth is an even number of fours, so that after the first four the
// loop over eights is entered in its middle; for four columns where one instruction is issued at a
// time.
void mcunet_matmul_four_columns_dsp(const uint32_t* columns, const void* weights, int8_t* output,
                                    int32_t column_stride, MATMUL_STACK_ARGUMENTS);
void mcunet_matmul_one_column_dsp(const uint32_t* column, const void* weights, int8_t* output,
                                  int32_t column_stride, MATMUL_STACK_ARGUMENTS);

// clang-format off

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
                     "ldr x0, [sp, #frame + 48]", "cmp in, x0")  \
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
  "ldr    x0, [sp, #frame + 52]             \n"  \
  "cmp    x0, #0                    \n"  \
  "bne    3f                        \n"  \
  "2:                               \n"  \
  STEP STEP /* eight values */            \
  "3:                               \n"  \
  STEP STEP                               \
  "ldr    x0, [sp, #frame + 48]             \n"  \
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
      FOUR_COLUMNS_FUNCTION(".set frame, 0\n", FOUR_COLUMNS_SUMS, LOAD_FIRST_MULTIPLIER, "6f", "",
                            "mcunet_requantize_pair"));
}

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

#define TWO_PAIRS                             \
      "ldrd   sum0, sum1, [wa], #8          \n" \
      "ldrd   sum2, sum3, [wb], #8          \n" \
  "2:  " TWO_PAIRS_STEP                         \
      "bne    2b                            \n"

#define ONE_PAIR                              \
      "ldrd   sum0, sum1, [wa], #8          \n" \
  "5:  ldr    x0, [in], #8                  \n" \
      "ldr    w0, [wa], #8                  \n" \
      "ldr    w1, [wa, #-4]                 \n" \
      "ldr    x1, [in, #-4]                 \n" \
      "sxtb16 w2, w0, ror #8                \n" \
      "cmp    in, end                       \n" \
      "sxtb16 w0, w0                        \n" \
      "smlad  sum1, w2, x0, sum1            \n" \
      "sxtb16 w2, w1, ror #8                \n" \
      "smlad  sum0, w0, x0, sum0            \n" \
      "sxtb16 w1, w1                        \n" \
      "smlad  sum1, w2, x1, sum1            \n" \
      "smlad  sum0, w1, x1, sum0            \n" \
      "bne    5b                            \n"

#define PAIR_BYTES /* mcunet_pair_bytes() */    \
      "sub    wb, end, wb                   \n" \
      "add    wb, wb, #20                   \n"

__attribute__((naked)) void mcunet_matmul_one_column_dsp(
    const uint32_t* column __attribute__((unused)), const void* weights __attribute__((unused)),
    int8_t* output __attribute__((unused)), int32_t column_stride __attribute__((unused)),
    const uint32_t* columns_end __attribute__((unused)),
    uint32_t enter_midway __attribute__((unused)), int32_t zero_point __attribute__((unused)),
    const void* weights_end __attribute__((unused)),
    const struct mcunet_matmul* matmul __attribute__((unused))) {
  __asm__ volatile(
      ONE_COLUMN_FUNCTION(PAIR_BYTES, TWO_PAIRS, ONE_PAIR, "mcunet_requantize_pair"));
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
    mcunet_requantize_pair(sums, (const struct mcunet_pair_tail*)(const void*)weights, output,
                           count, matmul);
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
