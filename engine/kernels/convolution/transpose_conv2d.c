#include "matmul_columns.h"
#include "mcunet_kernels.h"

// Outputs whose positions leave the same remainder by the stride see the same
// taps: each remainder is a convolution of stride 1 with a part of the kernel,
// turned round. Its columns are gathered one at a time.

// The part of the kernel along one axis that outputs of one remainder see.
struct phase {
  int32_t taps;
  int32_t first_output;  // the first one that is not before the map
};

static struct phase phase_of(int32_t remainder, int32_t kernel, int32_t stride, int32_t pad) {
  struct phase phase = {mcunet_transpose_conv2d_taps(kernel, stride, remainder), remainder - pad};
  while (phase.first_output < 0) phase.first_output += stride;
  return phase;
}

// The receptive field that ends at input row `y` and column `x`.
static void gather(const struct mcunet_conv2d_layer* layer, const int8_t* input, int32_t y,
                   int32_t x, int32_t rows, int32_t columns, int8_t* to) {
  const int32_t channels = layer->input_channels;
  for (int32_t row = y - rows + 1; row <= y; ++row) {
    for (int32_t column = x - columns + 1; column <= x; ++column) {
      if (row < 0 || row >= layer->input_height || column < 0 || column >= layer->input_width) {
        memset(to, layer->input_zero_point, (size_t)channels);
      } else {
        memcpy(to, input + (row * layer->input_width + column) * channels, (size_t)channels);
      }
      to += channels;
    }
  }
}

static void compute_phase(const struct mcunet_conv2d_layer* layer, const int8_t* input,
                          int8_t* output, struct phase rows, struct phase columns,
                          const struct mcunet_matmul* matmul, uint32_t* column) {
  int8_t* const bytes = (int8_t*)(column + matmul->padded_depth / 2);
  // What no window fills; it meets zero weights.
  memset(bytes, 0, (size_t)matmul->padded_depth);
  for (int32_t y = rows.first_output; y < layer->output_height; y += layer->stride_height) {
    const int32_t last_row = (y + layer->pad_top) / layer->stride_height;
    for (int32_t x = columns.first_output; x < layer->output_width; x += layer->stride_width) {
      const int32_t last_column = (x + layer->pad_left) / layer->stride_width;
      gather(layer, input, last_row, last_column, rows.taps, columns.taps, bytes);
      mcunet_widen_column(column, 1, bytes, matmul->padded_depth);
      mcunet_matmul_one_column(
          column, output + (y * layer->output_width + x) * layer->output_channels, matmul);
    }
  }
}

void mcunet_transpose_conv2d(const int8_t* input, int8_t* output,
                             const struct mcunet_conv2d_layer* layer, const void* weights,
                             void* scratch) {
  const int32_t pairs = (layer->output_channels + 1) / 2;
  const int8_t* packed = (const int8_t*)weights;
  for (int32_t ry = 0; ry < layer->stride_height; ++ry) {
    const struct phase rows =
        phase_of(ry, layer->kernel_height, layer->stride_height, layer->pad_top);
    for (int32_t rx = 0; rx < layer->stride_width; ++rx) {
      const struct phase columns =
          phase_of(rx, layer->kernel_width, layer->stride_width, layer->pad_left);
      const int32_t padded_depth =
          mcunet_padded_depth(rows.taps * columns.taps * layer->input_channels);
      const struct mcunet_matmul matmul = {
          .weights = packed,
          .weights_end = packed + pairs * mcunet_pair_bytes(padded_depth),
          .padded_depth = padded_depth,
          .column_stride = layer->output_channels,
          .output = layer->output,
      };
      compute_phase(layer, input, output, rows, columns, &matmul, (uint32_t*)scratch);
      packed = (const int8_t*)matmul.weights_end;
    }
  }
}
