#include "mcunet_kernels.h"

#include "matmul_columns.h"

// im2col, a few columns at a time: the receptive fields of neighbouring output positions are gathered
// into columns, and the columns multiplied with all output channels at once. With scratch for four
// columns every weight that is loaded serves four positions.

// The rows of a window are gathered here before they are widened, unless their lengths are multiples
// of 4.
struct gather {
  const struct mcunet_conv2d* layer;
  int8_t* bytes;  // padded_depth of them; null if not needed
  int32_t padded_depth;
};

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
static void widen_window(const struct gather* gather, const int8_t* input, int32_t y, int32_t x,
                         uint32_t* column, int32_t pitch) {
  const struct mcunet_conv2d* const layer = gather->layer;
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

static int8_t* copy(int8_t* to, const int8_t* from, int32_t bytes) {
  for (; bytes >= 4; bytes -= 4, to += 4, from += 4) {
    const uint32_t word = mcunet_load_word(from);
    memcpy(to, &word, sizeof word);
  }
  for (; bytes > 0; --bytes) *to++ = *from++;
  return to;
}

static int8_t* fill(int8_t* to, int32_t value, int32_t bytes) {
  for (; bytes > 0; --bytes) *to++ = (int8_t)value;
  return to;
}

// Any number of channels: the window is put together as bytes first.
static void gather_window(const struct gather* gather, const int8_t* input, int32_t y, int32_t x,
                          uint32_t* column, int32_t pitch) {
  const struct mcunet_conv2d* const layer = gather->layer;
  const int32_t channels = layer->input_channels;
  const int32_t zero_point = layer->input_zero_point;
  const int32_t row_bytes = layer->kernel_width * channels;
  const int32_t input_row_bytes = layer->input_width * channels;
  const struct span span = clip(x, layer->kernel_width, layer->input_width);
  const int8_t* row = input + y * input_row_bytes + (x + span.left) * channels;
  int8_t* to = gather->bytes;
  for (int32_t last = y + layer->kernel_height; y != last; ++y) {
    if (y < 0 || y >= layer->input_height) {
      to = fill(to, zero_point, row_bytes);
    } else {
      to = fill(to, zero_point, span.left * channels);
      to = copy(to, row, span.inside * channels);
      to = fill(to, zero_point, span.right * channels);
    }
    row += input_row_bytes;
  }
  mcunet_widen_column(column, pitch, gather->bytes, gather->padded_depth);
}

void mcunet_conv2d(const int8_t* input, int8_t* output, const struct mcunet_conv2d* layer,
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

  const int in_place = (layer->input_channels & 3) == 0;
  struct gather gather = {.layer = layer, .bytes = NULL, .padded_depth = padded_depth};
  void (*const window)(const struct gather*, const int8_t*, int32_t, int32_t, uint32_t*, int32_t) =
      in_place ? widen_window : gather_window;
  int32_t column_bytes = scratch_bytes;
  uint32_t* columns = (uint32_t*)scratch;
  if (!in_place) {
    gather.bytes = (int8_t*)scratch;
    memset(gather.bytes, 0, (size_t)padded_depth);
    columns += padded_depth / 4;
    column_bytes -= padded_depth;
  } else if (depth != padded_depth) {
    // Only 1x1 windows of four channels.
    memset(columns, 0, (size_t)column_bytes);
  }
  const int32_t pitch = column_bytes >= 2 * MCUNET_COLUMNS * padded_depth ? MCUNET_COLUMNS : 1;

  // Output positions in reading order; four of them may lie in two rows.
  const int32_t positions = layer->output_height * layer->output_width;
  int32_t y = -layer->pad_top;
  int32_t x = -layer->pad_left;
  const int32_t x_end = x + layer->output_width * layer->stride_width;
  for (int32_t position = 0; position < positions;) {
    const int32_t count = positions - position >= pitch ? pitch : 1;
    for (int32_t i = 0; i < count; ++i) {
      window(&gather, input, y, x, columns + i, count);
      x += layer->stride_width;
      if (x == x_end) {
        x = -layer->pad_left;
        y += layer->stride_height;
      }
    }
    if (count == MCUNET_COLUMNS) {
      mcunet_matmul_four_columns(columns, output, &matmul);
    } else {
      mcunet_matmul_one_column(columns, output, &matmul);
    }
    output += count * layer->output_channels;
    position += count;
  }
}
