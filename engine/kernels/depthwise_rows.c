#include "depthwise_rows.h"

// Gathers a row of two channels into one row of int16 each, less the zero point.
static void gather_two_channels(const int8_t* from, int32_t width, int32_t channels,
                                uint32_t minus_zero_point, int16_t* first, int16_t* second) {
  const int8_t* const end = from + (width & ~1) * channels;
  while (from != end) {
    const uint32_t bytes = mcunet_load_half(from) | mcunet_load_half(from + channels) << 16;
    mcunet_store_word(first, mcunet_widen_even_add(minus_zero_point, bytes));
    mcunet_store_word(second, mcunet_widen_odd_add(minus_zero_point, bytes));
    from += 2 * channels;
    first += 2;
    second += 2;
  }
  if (width & 1) {
    *first = (int16_t)(mcunet_low(minus_zero_point) + from[0]);
    *second = (int16_t)(mcunet_low(minus_zero_point) + from[1]);
  }
}

static void gather_one_channel(const int8_t* from, int32_t width, int32_t channels,
                               int32_t zero_point, int16_t* row) {
  for (; width > 0; --width, from += channels) *row++ = (int16_t)(*from - zero_point);
}

static void move_down(uint32_t* to, const uint32_t* from, int32_t words) {
  for (; words > 0; --words) {
    *to++ = *from++;
    __asm__("" : "+r"(to));  // keeps the compiler from calling a bytewise memmove
  }
}

void mcunet_depthwise_finish(const int32_t* sums, int32_t count,
                             const struct mcunet_depthwise_row* row, int8_t* output) {
  for (int32_t i = 0; i < count; ++i) {
    output[i * row->channels] = (int8_t)mcunet_requantize_general(
        sums[i], row->channel->doubled, row->channel->shift, row->output);
  }
}

void mcunet_depthwise_rows(const int8_t* input, int8_t* output,
                           const struct mcunet_depthwise_conv2d* layer, const void* weights,
                           void* scratch, int32_t scratch_bytes,
                           const struct mcunet_depthwise_kernel* kernel) {
  const int32_t size = kernel->kernel;
  const int32_t channels = layer->channels;
  const int32_t pitch = mcunet_depthwise_pitch(layer, size, kernel->stride);
  const int32_t row_pairs = mcunet_depthwise_row_pairs(size, kernel->stride);
  const int32_t weight_pairs = size * row_pairs;
  const int32_t channel_bytes = mcunet_depthwise_channel_bytes(size);
  const uint32_t minus_zero_point = mcunet_pack_low_low((uint32_t)-layer->input_zero_point,
                                                        (uint32_t)-layer->input_zero_point);

  // Scratch: widened weights of two channels, then rows of the first channel, then of the second.
  int32_t capacity = (scratch_bytes - 16 - 8 * weight_pairs) / (4 * pitch);
  if (capacity > layer->input_height) capacity = layer->input_height;
  uint32_t* const pairs = (uint32_t*)scratch;
  int16_t* const rows = (int16_t*)(pairs + 2 * weight_pairs);
  const int32_t plane = capacity * pitch;
  memset(rows, 0, (size_t)(4 * plane));

  struct mcunet_depthwise_row row = {
      .pitch_bytes = 2 * pitch,
      .outputs = layer->output_width,
      .channels = channels,
      .output = &layer->output,
  };
  const int8_t* packed = (const int8_t*)weights;
  for (int32_t c = 0; c < channels; c += 2) {
    const int32_t count = channels - c >= 2 ? 2 : 1;
    for (int32_t i = 0; i < count; ++i) {
      const struct mcunet_depthwise_channel* const channel =
          (const struct mcunet_depthwise_channel*)(const void*)(packed + i * channel_bytes);
      kernel->widen_weights(channel->weights, pairs + i * weight_pairs);
    }

    const int8_t* from = input + c;
    int8_t* to = output + c;
    int32_t held = 0;    // the first row that scratch holds
    int32_t gathered = 0;  // one past the last
    int32_t y = -layer->pad_top;
    for (int32_t oy = 0; oy < layer->output_height; ++oy, y += kernel->stride) {
      const int32_t first = y < 0 ? 0 : y;
      const int32_t last = y + size < layer->input_height ? y + size : layer->input_height;
      for (; gathered < last; ++gathered) {
        if (gathered - held == capacity) {
          const int32_t drop = first - held;
          const int32_t words = (capacity - drop) * pitch / 2;
          for (int32_t i = 0; i < count; ++i) {
            uint32_t* const start = (uint32_t*)(void*)(rows + i * plane);
            move_down(start, start + drop * pitch / 2, words);
          }
          held = first;
        }
        int16_t* const at = rows + (gathered - held) * pitch + layer->pad_left;
        if (count == 2) {
          gather_two_channels(from, layer->input_width, channels, minus_zero_point, at, at + plane);
        } else {
          gather_one_channel(from, layer->input_width, channels, layer->input_zero_point, at);
        }
        from += layer->input_width * channels;
      }
      row.rows = last - first;
      for (int32_t i = 0; i < count; ++i) {
        row.input = rows + i * plane + (first - held) * pitch;
        row.weights = pairs + i * weight_pairs + (first - y) * row_pairs;
        row.channel =
            (const struct mcunet_depthwise_channel*)(const void*)(packed + i * channel_bytes);
        kernel->compute_row(&row, to + i);
      }
      to += layer->output_width * channels;
    }
    packed += count * channel_bytes;
  }
}
