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

// Outputs of both channels wait in lines, or of whole planes those of the second one in the plane of the first one's
// gathered rows, until they join.
static int32_t output_distance(const struct mcunet_depthwise_layer* layer) {
  (void)layer;
  return 1;
}
static int32_t plane_bytes(const struct mcunet_depthwise_layer* layer) {
  return mcunet_depthwise_plane_bytes(layer);
}

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
    int32_t left = width;
    for (; left >= 4; left -= 4, first += 4, second += 4, from += 4 * distance) {
      const uint32_t a = (uint8_t)from[0] | (uint32_t)(uint8_t)from[distance] << 16;
      const uint32_t b = (uint8_t)from[2 * distance] | (uint32_t)(uint8_t)from[3 * distance] << 16;
      mcunet_store_word(first, mcunet_widen_even_add(minus, a & mask));
      mcunet_store_word(first + 2, mcunet_widen_even_add(minus, b & mask));
      mcunet_store_word(second, mcunet_widen_even_add(minus, a >> 4 & mask));
      mcunet_store_word(second + 2, mcunet_widen_even_add(minus, b >> 4 & mask));
    }
    if (left & 2) {
      const uint32_t a = (uint8_t)from[0] | (uint32_t)(uint8_t)from[distance] << 16;
      mcunet_store_word(first, mcunet_widen_even_add(minus, a & mask));
      mcunet_store_word(second, mcunet_widen_even_add(minus, a >> 4 & mask));
      from += 2 * distance;
      first += 2;
      second += 2;
    }
    if (left & 1) {
      const uint32_t a = (uint8_t)from[0];
      *first = (int16_t)mcunet_widen_even_add(minus, a & mask);
      *second = (int16_t)mcunet_widen_even_add(minus, a >> 4);
      from += distance;
    }
  }
}

// Clips outputs of both channels to nibbles of one byte each.
static void join(int8_t* output, int32_t distance, const int8_t* first, const int8_t* second,
                 int32_t outputs) {
  for (; outputs >= 4; outputs -= 4, first += 4, second += 4, output += 4 * distance) {
    const uint32_t low = mcunet_clip_to_nibbles(mcunet_load_word(first));
    const uint32_t both = low | mcunet_clip_to_nibbles(mcunet_load_word(second)) << 4;
    output[0] = (int8_t)both;
    output[distance] = (int8_t)(both >> 8);
    output[2 * distance] = (int8_t)(both >> 16);
    output[3 * distance] = (int8_t)(both >> 24);
  }
  for (; outputs > 0; --outputs, ++first, ++second, output += distance) {
    *output = (int8_t)(mcunet_clip_to_nibbles((uint8_t)*first) |
                       mcunet_clip_to_nibbles((uint8_t)*second) << 4);
  }
}

static int8_t* outputs_of(const struct pass* pass, int32_t i, int8_t* output) {
  (void)output;
  return pass->lines[i];
}

// Pixels follow each other from row to row.
static void finish(const struct pass* pass, int8_t* output, int32_t pixels) {
  if (pass->count == 1) memset(pass->lines[1], -128, (size_t)pixels);
  join(output, pixel_bytes(pass->layer->channels), pass->lines[0], pass->lines[1], pixels);
}
static void finish_row(const struct pass* pass, int8_t* output) {
  finish(pass, output, pass->layer->output_width);
}
static void finish_plane(const struct pass* pass, int8_t* output) {
  const int32_t pixels = pass->layer->output_height * pass->layer->output_width;
  finish(pass, output, pixels);
  fill_with_zeros(pass->rows, (pixels + 3) / 4 * 2);  // padding again
}

#define FUNCTION mcunet_depthwise_conv2d_a4a4
#include "depthwise_rows.inc"
