#include "depthwise_pass.h"
#include "nibble_pixels.h"

// A byte holds two channels, the first one 8 w + i and the second one 8 w + 4 + i.
static int32_t pixel_bytes(int32_t channels) { return mcunet_nibble_pixel_bytes(channels); }
static int32_t passes_of(int32_t channels) {
  const int32_t rest = channels & 7;
  return channels / 8 * 4 + (rest < 4 ? rest : 4);
}
static int32_t first_channel(int32_t pass) { return pass / 4 * 8 + pass % 4; }
static int32_t second_channel(int32_t pass) { return first_channel(pass) + 4; }
static int32_t pass_offset(int32_t pass) { return pass; }

// The first channel's outputs are stored as bytes where both belong; a row of the second one's waits in a line
// behind the gathered rows until it joins them.
static int32_t output_distance(const struct mcunet_depthwise_layer* layer, int32_t i) {
  return i == 0 ? pixel_bytes(layer->channels) : 1;
}
static int32_t line_bytes(int32_t outputs) { return mcunet_depthwise_line_bytes(outputs); }

// Gathers rows of both channels, less the zero point; what is no channel is gathered and not used.
static void gather(const struct pass* pass, const int8_t* from, int32_t rows, int16_t* to) {
  const int32_t mask = 0x000f000f;
  const uint32_t minus = pass->minus_zero_point;
  const int32_t width = pass->layer->input_width;
  const int32_t distance = pixel_bytes(pass->layer->channels);
  const int32_t gap = pass->pitch - (width & ~1);
  int16_t* first = to + pass->layer->pad_left;
  int16_t* second = first + pass->plane;
  for (; rows > 0; --rows, first += gap, second += gap) {
    for (int32_t left = width >> 1; left > 0; --left, first += 2, second += 2) {
      const uint32_t bytes = (uint8_t)from[0] | (uint32_t)(uint8_t)from[distance] << 16;
      from += 2 * distance;
      mcunet_store_word(first, mcunet_widen_even_add(minus, bytes & mask));
      mcunet_store_word(second, mcunet_widen_even_add(minus, bytes >> 4 & mask));
    }
    if (width & 1) {
      const uint32_t byte = (uint8_t)from[0];
      from += distance;
      *first = (int16_t)mcunet_widen_even_add(minus, byte & mask);
      *second = (int16_t)mcunet_widen_even_add(minus, byte >> 4);
    }
  }
}

// Clips a row of the first channel to nibbles and puts that of the second one beside it.
static void join(int8_t* output, int32_t distance, const int8_t* line, int32_t outputs) {
  for (; outputs >= 4; outputs -= 4, line += 4, output += 4 * distance) {
    const uint32_t first = (uint8_t)output[0] | (uint32_t)(uint8_t)output[distance] << 8 |
                           (uint32_t)(uint8_t)output[2 * distance] << 16 |
                           (uint32_t)(uint8_t)output[3 * distance] << 24;
    const uint32_t both =
        mcunet_clip_to_nibbles(first) | mcunet_clip_to_nibbles(mcunet_load_word(line)) << 4;
    output[0] = (int8_t)both;
    output[distance] = (int8_t)(both >> 8);
    output[2 * distance] = (int8_t)(both >> 16);
    output[3 * distance] = (int8_t)(both >> 24);
  }
  for (; outputs > 0; --outputs, ++line, output += distance) {
    *output = (int8_t)(mcunet_clip_to_nibbles((uint8_t)*output) |
                       mcunet_clip_to_nibbles((uint8_t)*line) << 4);
  }
}

// Computes output rows of channel i of the pass.
static void compute(const struct pass* pass, int32_t i, const uint32_t* pairs, const int16_t* rows,
                    int8_t* output) {
  if (i == 0) pass->kernel->compute_row(pairs, rows, output, &pass->row[0]);
  if (i == 0 && pass->count == 2) return;
  int8_t* const line = (int8_t*)(pass->rows + 2 * pass->plane) + MCUNET_DEPTHWISE_SLACK_BYTES;
  struct mcunet_depthwise_row row = pass->row[i];
  const int32_t outputs = row.outputs;
  const int32_t distance = pixel_bytes(pass->layer->channels);
  if (i == 0) memset(line, -128, (size_t)line_bytes(outputs));
  row.output_rows = 1;
  for (int32_t left = pass->row[i].output_rows; left > 0; --left) {
    if (i == 1) pass->kernel->compute_row(pairs, rows, line, &row);
    join(output, distance, line, outputs);
    rows += pass->kernel->stride * pass->pitch;
    output += outputs * distance;
  }
}

#define FUNCTION mcunet_depthwise_conv2d_a4a4
#include "depthwise_rows.inc"
