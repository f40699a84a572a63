#include "mcunet_kernels.h"

#include "matmul_columns.h"

// Widens four neighbouring pixels of `channels` values (a multiple of 4) into interleaved columns.
static void widen_four_pixels(uint32_t* columns, const int8_t* pixels, int32_t channels) {
  const int8_t* const end = pixels + channels;
  while (pixels != end) {
#if MCUNET_DSP
    // The two stores of four registers each are what the compiler would not find by itself.
    __asm__ volatile(
        "ldr    r2, [%[p], %[c]]          \n"
        "ldr    r4, [%[p], %[c], lsl #1]  \n"
        "ldr    r6, [%[p], %[c3]]         \n"
        "ldr    r0, [%[p]], #4            \n"
        "sxtb16 r3, r2, ror #8            \n"
        "sxtb16 r2, r2                    \n"
        "sxtb16 r5, r4, ror #8            \n"
        "sxtb16 r4, r4                    \n"
        "sxtb16 r8, r6, ror #8            \n"
        "sxtb16 r6, r6                    \n"
        "sxtb16 r1, r0, ror #8            \n"
        "sxtb16 r0, r0                    \n"
        "stmia  %[to]!, {r0, r2, r4, r6}  \n"
        "stmia  %[to]!, {r1, r3, r5, r8}  \n"
        : [p] "+r"(pixels), [to] "+r"(columns)
        : [c] "r"(channels), [c3] "r"(3 * channels)
        : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r8", "memory");
#else
    for (int32_t i = 0; i < MCUNET_COLUMNS; ++i) {
      const uint32_t word = mcunet_load_word(pixels + i * channels);
      columns[i] = mcunet_widen_even(word);
      columns[MCUNET_COLUMNS + i] = mcunet_widen_odd(word);
    }
    columns += 2 * MCUNET_COLUMNS;
    pixels += 4;
#endif
  }
}

// One pixel of any number of channels into one column.
static void widen_pixel(uint32_t* column, int32_t pitch, const int8_t* pixel, int32_t channels) {
  column = mcunet_widen_column(column, pitch, pixel, channels & ~3);
  const int32_t rest = channels & 3;
  if (rest != 0) {
    int8_t last[4] = {0};
    for (int32_t i = 0; i < rest; ++i) last[i] = pixel[channels - rest + i];
    mcunet_widen_column(column, pitch, last, 4);
  }
}

void mcunet_conv2d_1x1(const int8_t* input, int8_t* output, const struct mcunet_conv2d_1x1* layer,
                       const void* weights, void* scratch) {
  uint32_t* const columns = (uint32_t*)scratch;
  const int32_t in_channels = layer->input_channels;
  const int32_t padded_depth = mcunet_padded_depth(in_channels);
  const int32_t pairs = (layer->output_channels + 1) / 2;
  const struct mcunet_matmul matmul = {
      .weights = weights,
      .weights_end = (const int8_t*)weights + pairs * mcunet_pair_bytes(padded_depth),
      .padded_depth = padded_depth,
      .column_stride = layer->output_channels,
      .output = layer->output,
  };
  // The padding beyond the channels is the same in every column.
  if (in_channels != padded_depth) {
    memset(columns, 0, (size_t)(2 * MCUNET_COLUMNS * padded_depth));
  }

  int32_t pixels = layer->pixels;
  for (; pixels >= MCUNET_COLUMNS; pixels -= MCUNET_COLUMNS) {
    if ((in_channels & 3) == 0) {
      widen_four_pixels(columns, input, in_channels);
    } else {
      for (int32_t i = 0; i < MCUNET_COLUMNS; ++i) {
        widen_pixel(columns + i, MCUNET_COLUMNS, input + i * in_channels, in_channels);
      }
    }
    mcunet_matmul_four_columns(columns, output, &matmul);
    input += MCUNET_COLUMNS * in_channels;
    output += MCUNET_COLUMNS * layer->output_channels;
  }
  if (in_channels != padded_depth) memset(columns, 0, (size_t)(2 * padded_depth));
  for (; pixels > 0; --pixels) {
    widen_pixel(columns, 1, input, in_channels);
    mcunet_matmul_one_column(columns, output, &matmul);
    input += in_channels;
    output += layer->output_channels;
  }
}
