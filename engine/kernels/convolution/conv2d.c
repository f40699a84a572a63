#include "matmul_columns.h"
#include "mcunet_kernels.h"

// im2col, a few columns at a time: the receptive fields of neighbouring output positions are
// gathered into columns, and the columns multiplied with all output channels at once. With scratch
// for four columns every weight that is loaded serves four positions.

// A window within the input along x: `left` and `right` taps lie in the padding.
struct span {
  int32_t left;
  int32_t inside;
  int32_t right;
};

static struct span clip(int32_t first, int32_t taps, int32_t size) {
  struct span span = {0, taps, 0};
  if (first < 0) span.left = -first < taps ? -first : taps;
  if (first + taps > size) span.right = first + taps - size;
  if (span.right > taps - span.left) span.right = taps - span.left;
  span.inside = taps - span.left - span.right;
  return span;
}

static uint32_t* widen_padding(uint32_t* column, int32_t pitch, int32_t value, int32_t bytes) {
  const uint32_t pair = mcunet_pack_low_low((uint32_t)value, (uint32_t)value);
  for (; bytes != 0; bytes -= 2, column += pitch) *column = pair;
  return column;
}

// Channels are a multiple of 4: every row of the window is widened from where it lies.
static void widen_window(const struct mcunet_conv2d_layer* layer, const int8_t* input, int32_t y,
                         int32_t x, uint32_t* column, int32_t pitch) {
  const int32_t channels = layer->input_channels;
  const int32_t row_bytes = layer->kernel_width * channels;
  const int32_t zero_point = layer->input_zero_point;
  const struct span span = clip(x, layer->kernel_width, layer->input_width);
  const int8_t* row = input + (y * layer->input_width + x + span.left) * channels;
  for (int32_t last = y + layer->kernel_height; y != last; ++y) {
    if (y < 0 || y >= layer->input_height) {
      column = widen_padding(column, pitch, zero_point, row_bytes);
    } else {
      column = widen_padding(column, pitch, zero_point, span.left * channels);
      column = mcunet_widen_column(column, pitch, row, span.inside * channels);
      column = widen_padding(column, pitch, zero_point, span.right * channels);
    }
    row += layer->input_width * channels;
  }
}

// One tap of the four windows below, where it lies in the padding of some.
static uint32_t* widen_tap(const struct mcunet_conv2d_layer* layer, const int8_t* row, int32_t x,
                           uint32_t* columns) {
  const int32_t channels = layer->input_channels;
  for (int32_t i = 0; i < MCUNET_COLUMNS; ++i, x += layer->stride_width) {
    if (x < 0 || x >= layer->input_width) {
      widen_padding(columns + i, MCUNET_COLUMNS, layer->input_zero_point, channels);
    } else {
      mcunet_widen_column(columns + i, MCUNET_COLUMNS, row + x * channels, channels);
    }
  }
  return columns + 2 * channels;
}

// The windows of four outputs in a row, the first one at `x`: what is in the map for all four is
// widened at once.
static void widen_four_windows(const struct mcunet_conv2d_layer* layer, const int8_t* input,
                               int32_t y, int32_t x, uint32_t* columns) {
  const int32_t channels = layer->input_channels;
  const int32_t taps = layer->kernel_width;
  const int32_t row_bytes = layer->input_width * channels;
  const int32_t distance = layer->stride_width * channels;
  const int32_t last_x = x + (MCUNET_COLUMNS - 1) * layer->stride_width;
  const int32_t begin = x < 0 ? mcunet_clamp(-x, 0, taps) : 0;
  const int32_t end = mcunet_clamp(layer->input_width - last_x, begin, taps);
  const int8_t* row = input + y * row_bytes;
  for (int32_t last = y + layer->kernel_height; y != last; ++y, row += row_bytes) {
    if (y < 0 || y >= layer->input_height) {
      columns =
          widen_padding(columns, 1, layer->input_zero_point, MCUNET_COLUMNS * taps * channels);
      continue;
    }
    for (int32_t tap = 0; tap < begin; ++tap) columns = widen_tap(layer, row, x + tap, columns);
    if (begin != end) {
      columns = mcunet_widen_four_columns(columns, row + (x + begin) * channels,
                                          (end - begin) * channels, distance);
    }
    for (int32_t tap = end; tap < taps; ++tap) columns = widen_tap(layer, row, x + tap, columns);
  }
}

static int8_t* copy(int8_t* to, const int8_t* from, int32_t bytes) {
  for (; bytes >= 4; bytes -= 4, to += 4, from += 4) {
    mcunet_store_word(to, mcunet_load_word(from));
  }
  for (; bytes > 0; --bytes) *to++ = *from++;
  return to;
}

static int8_t* fill(int8_t* to, int32_t value, int32_t bytes) {
  for (; bytes > 0; --bytes) *to++ = (int8_t)value;
  return to;
}

// Any number of channels: the window is put together as bytes first, to be widened afterwards.
static void gather_window(const struct mcunet_conv2d_layer* layer, const int8_t* input, int32_t y,
                          int32_t x, int8_t* to) {
  const int32_t channels = layer->input_channels;
  const int32_t zero_point = layer->input_zero_point;
  const int32_t row_bytes = layer->kernel_width * channels;
  const int32_t input_row_bytes = layer->input_width * channels;
  int32_t rows = layer->kernel_height;
  const struct span span = clip(x, layer->kernel_width, layer->input_width);
  const int8_t* row = input + y * input_row_bytes + (x + span.left) * channels;
  if (span.inside == layer->kernel_width && y >= 0 && y + rows <= layer->input_height) {
    for (; rows > 0; --rows, row += input_row_bytes) to = copy(to, row, row_bytes);
    return;
  }
  for (; rows > 0; --rows, ++y, row += input_row_bytes) {
    if (y < 0 || y >= layer->input_height) {
      to = fill(to, zero_point, row_bytes);
    } else {
      to = fill(to, zero_point, span.left * channels);
      to = copy(to, row, span.inside * channels);
      to = fill(to, zero_point, span.right * channels);
    }
  }
}

void mcunet_conv2d(const int8_t* input, int8_t* output, const struct mcunet_conv2d_layer* layer,
                   const void* weights, void* scratch, int32_t scratch_bytes) {
  const int32_t depth = layer->kernel_height * layer->kernel_width * layer->input_channels;
  const int32_t padded_depth = mcunet_padded_depth(depth);
  const int32_t pairs = (layer->output_channels + 1) / 2;
  const struct mcunet_matmul matmul = {
      .weights = weights,
      .weights_end = (const int8_t*)weights + pairs * mcunet_pair_bytes(padded_depth),
      .padded_depth = padded_depth,
      .column_stride = layer->output_channels,
      .output = layer->output,
  };

  const int as_bytes = (layer->input_channels & 3) != 0;
  const int32_t four_bytes = mcunet_conv2d_scratch_bytes(layer, MCUNET_COLUMNS);
  const int32_t most = scratch_bytes >= four_bytes ? MCUNET_COLUMNS : 1;
  uint32_t* const columns = (uint32_t*)scratch;
  int8_t* const bytes = (int8_t*)(columns + most * padded_depth / 2);
  // What no window fills; it meets zero weights.
  if (depth != padded_depth) memset(columns, 0, (size_t)mcunet_conv2d_scratch_bytes(layer, most));

  // Output positions in reading order; four of them may lie in two rows.
  int32_t y = -layer->pad_top;
  int32_t x = -layer->pad_left;
  const int32_t x_end = x + layer->output_width * layer->stride_width;
  for (int32_t left = layer->output_height * layer->output_width; left > 0;) {
    const int32_t count = left >= most ? most : 1;
    const int in_one_row = x + (count - 1) * layer->stride_width < x_end;
    const int at_once = !as_bytes && count == MCUNET_COLUMNS && in_one_row;
    if (at_once) widen_four_windows(layer, input, y, x, columns);
    for (int32_t i = 0; i < count; ++i) {
      if (as_bytes) {
        gather_window(layer, input, y, x, bytes + i * padded_depth);
      } else if (!at_once) {
        widen_window(layer, input, y, x, columns + i, count);
      }
      x += layer->stride_width;
      if (x == x_end) {
        x = -layer->pad_left;
        y += layer->stride_height;
      }
    }
    if (count == MCUNET_COLUMNS) {
      if (as_bytes) mcunet_widen_four_columns(columns, bytes, padded_depth, padded_depth);
      mcunet_matmul_four_columns(columns, output, &matmul);
    } else {
      if (as_bytes) mcunet_widen_column(columns, 1, bytes, padded_depth);
      mcunet_matmul_one_column(columns, output, &matmul);
    }
    output += count * layer->output_channels;
    left -= count;
  }
}
