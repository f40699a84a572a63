#include "matmul_columns.h"
#include "mcunet_kernels.h"

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

void mcunet_conv2d_1x1(const int8_t* input, int8_t* output,
                       const struct mcunet_conv2d_1x1_layer* layer, const void* weights,
                       void* scratch) {
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
  // What no pixel fills; it meets zero weights.
  if (in_channels != padded_depth) {
    const int32_t most = layer->pixels >= MCUNET_COLUMNS ? MCUNET_COLUMNS : 1;
    memset(columns, 0, (size_t)(2 * most * padded_depth));
  }

  int32_t pixels = layer->pixels;
  for (; pixels >= MCUNET_COLUMNS; pixels -= MCUNET_COLUMNS) {
    if ((in_channels & 3) == 0) {
      mcunet_widen_four_columns(columns, input, in_channels, in_channels);
    } else {
      for (int32_t i = 0; i < MCUNET_COLUMNS; ++i) {
        widen_pixel(columns + i, MCUNET_COLUMNS, input + i * in_channels, in_channels);
      }
    }
    mcunet_matmul_four_columns(columns, output, &matmul);
    input += MCUNET_COLUMNS * in_channels;
    output += MCUNET_COLUMNS * layer->output_channels;
  }
  for (; pixels > 0; --pixels) {
    widen_pixel(columns, 1, input, in_channels);
    mcunet_matmul_one_column(columns, output, &matmul);
    input += in_channels;
    output += layer->output_channels;
  }
}
