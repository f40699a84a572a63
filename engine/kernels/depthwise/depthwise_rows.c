#include "depthwise_rows.h"

// Gathers `rows` rows of two channels, less the zero point, `pitch` values apart.
#if MCUNET_DSP

// clang-format off

// Four pixels at a time, 17 instructions for 8 values, and what is left at the end of the row.
static __attribute__((naked, noinline, used)) void gather_two_channels(
    const int8_t* from __attribute__((unused)), int32_t rows __attribute__((unused)),
    int32_t width __attribute__((unused)), int32_t channels __attribute__((unused)),
    uint32_t minus_zero_point __attribute__((unused)), int16_t* first __attribute__((unused)),
    int16_t* second __attribute__((unused)), int32_t pitch __attribute__((unused))) {
  __asm__ volatile(
      "from .req r0\n rows .req r1\n width .req r2\n channels .req r3\n minus .req r4\n"
      "first .req r5\n second .req r6\n left .req r7\n a .req r8\n w .req r9\n c .req r10\n"
      "d .req r11\n three .req r12\n gap .req lr\n"
      "push    {r4-r11, lr}                 \n"
      "ldr     minus, [sp, #36]             \n"
      "ldrd    first, second, [sp, #40]     \n"
      "ldr     gap, [sp, #48]               \n"
      "bic     a, width, #1                 \n"
      "sub     gap, gap, a                  \n"
      "lsl     gap, gap, #1                 \n"
      "add     three, channels, channels, lsl #1\n"
  "1:  lsrs    left, width, #2              \n"
      "beq     3f                           \n"
  "2:  ldrh    a, [from, channels]          \n"
      "ldrh    c, [from, three]             \n"
      "ldrh    d, [from]                    \n"
      "ldrh    w, [from, channels, lsl #1]  \n"
      "add     from, from, channels, lsl #2 \n"
      "orr     d, d, a, lsl #16             \n"
      "orr     w, w, c, lsl #16             \n"
      "subs    left, left, #1               \n"
      "sxtab16 a, minus, d                  \n"
      "str     a, [first], #8               \n"
      "sxtab16 c, minus, w                  \n"
      "str     c, [first, #-4]              \n"
      "sxtab16 w, minus, w, ror #8          \n"
      "sxtab16 d, minus, d, ror #8          \n"
      "str     d, [second], #8              \n"
      "str     w, [second, #-4]             \n"
      "bne     2b                           \n"
  "3:  lsls    a, width, #31                \n"  // two more pixels: carry; one: minus
      "bcc     4f                           \n"
      "ldrh    a, [from, channels]          \n"
      "ldrh    d, [from]                    \n"
      "add     from, from, channels, lsl #1 \n"
      "orr     d, d, a, lsl #16             \n"
      "sxtab16 a, minus, d                  \n"
      "str     a, [first], #4               \n"
      "sxtab16 d, minus, d, ror #8          \n"
      "str     d, [second], #4              \n"
  "4:  bpl     5f                           \n"
      "ldrh    d, [from]                    \n"
      "add     from, from, channels         \n"
      "sxtab16 a, minus, d                  \n"
      "strh    a, [first]                   \n"
      "sxtab16 d, minus, d, ror #8          \n"
      "strh    d, [second]                  \n"
  "5:  subs    rows, rows, #1               \n"
      "add     first, first, gap            \n"
      "add     second, second, gap          \n"
      "bne     1b                           \n"
      "pop     {r4-r11, pc}                 \n"
      ".unreq from\n .unreq rows\n .unreq width\n .unreq channels\n .unreq minus\n"
      ".unreq first\n .unreq second\n .unreq left\n .unreq a\n .unreq w\n .unreq c\n"
      ".unreq d\n .unreq three\n .unreq gap\n");
}

// clang-format on

#else

static void gather_two_channels(const int8_t* from, int32_t rows, int32_t width, int32_t channels,
                                uint32_t minus_zero_point, int16_t* first, int16_t* second,
                                int32_t pitch) {
  const int32_t gap = pitch - (width & ~1);
  for (; rows > 0; --rows, first += gap, second += gap) {
    for (int32_t left = width >> 1; left > 0; --left, first += 2, second += 2) {
      const uint32_t a = mcunet_load_half(from) | mcunet_load_half(from + channels) << 16;
      from += 2 * channels;
      mcunet_store_word(first, mcunet_widen_even_add(minus_zero_point, a));
      mcunet_store_word(second, mcunet_widen_odd_add(minus_zero_point, a));
    }
    if (width & 1) {
      const uint32_t a = mcunet_load_half(from);
      from += channels;
      *first = (int16_t)mcunet_widen_even_add(minus_zero_point, a);
      *second = (int16_t)mcunet_widen_odd_add(minus_zero_point, a);
    }
  }
}

#endif

// For the last of an odd number, so rarely that it is not worth a copy wherever rows are gathered.
static __attribute__((noinline)) void gather_one_channel(const int8_t* from, int32_t rows,
                                                         int32_t width, int32_t channels,
                                                         int32_t zero_point, int16_t* to,
                                                         int32_t pitch) {
  for (; rows > 0; --rows, to += pitch) {
    for (int32_t x = 0; x < width; ++x, from += channels) to[x] = (int16_t)(*from - zero_point);
  }
}

static void fill_with_zeros(int16_t* values, int32_t count) {
  uint32_t* words = (uint32_t*)(void*)values;
  for (int32_t i = count / 2; i > 0; --i) {
    *words++ = 0;
    __asm__("" : "+r"(words));  // keeps the compiler from calling a bytewise memset
  }
}

__attribute__((used)) void mcunet_depthwise_finish(const int32_t* sums, int32_t count,
                                                   const struct mcunet_depthwise_row* row,
                                                   int8_t* output) {
  for (int32_t i = 0; i < count; ++i) {
    output[i * row->channels] =
        (int8_t)mcunet_requantize_general(sums[i], row->doubled, row->shift, row->output);
  }
}

// The state of one call.
struct pass {
  const struct mcunet_depthwise_layer* layer;
  const struct mcunet_depthwise_kernel* kernel;
  uint32_t minus_zero_point;
  int32_t pitch;
  int32_t row_pairs;
  int32_t weight_pairs;  // of one channel
  int32_t plane;         // gathered values of one channel
  int32_t count;         // channels in this pass: 2, or 1 at the end of an odd number
  uint32_t* pairs;
  int16_t* rows;
  struct mcunet_depthwise_row row[2];
};

// Gathers rows of the channels that `from` points at.
MCUNET_INLINE void gather(const struct pass* pass, const int8_t* from, int32_t rows, int16_t* to) {
  const struct mcunet_depthwise_layer* const layer = pass->layer;
  to += layer->pad_left;
  if (pass->count == 2) {
    gather_two_channels(from, rows, layer->input_width, layer->channels, pass->minus_zero_point, to,
                        to + pass->plane, pass->pitch);
  } else {
    gather_one_channel(from, rows, layer->input_width, layer->channels, layer->input_zero_point, to,
                       pass->pitch);
  }
}

// All rows at once.
static void compute_plane(struct pass* pass, const int8_t* input, int8_t* output) {
  const struct mcunet_depthwise_layer* const layer = pass->layer;
  const int32_t size = pass->kernel->rows;
  const int32_t stride = pass->kernel->stride;
  const int32_t height = layer->input_height;
  const int32_t pitch = pass->pitch;
  const int32_t row_pairs = pass->row_pairs;
  const int32_t output_row_bytes = layer->output_width * layer->channels;
  mcunet_depthwise_row_function* const compute_row = pass->kernel->compute_row;
  if (size == 3) {
    // So few taps lie in the padding that rows of zeros and a single call cost less than skipping.
    gather(pass, input, height, pass->rows + layer->pad_top * pitch);
    for (int32_t i = 0; i < pass->count; ++i) {
      pass->row[i].rows = size;
      pass->row[i].output_rows = layer->output_height;
      compute_row(pass->pairs + i * pass->weight_pairs, pass->rows + i * pass->plane, output + i,
                  &pass->row[i]);
    }
    return;
  }
  gather(pass, input, height, pass->rows);
  for (int32_t i = 0; i < pass->count; ++i) {
    const int16_t* const rows = pass->rows + i * pass->plane;
    const uint32_t* const pairs = pass->pairs + i * pass->weight_pairs;
    struct mcunet_depthwise_row* const row = &pass->row[i];
    int8_t* to = output + i;
    int32_t y = -layer->pad_top;
    for (int32_t left = layer->output_height; left > 0;) {
      const int32_t first = y < 0 ? 0 : y;
      const int32_t last = y + size < height ? y + size : height;
      row->rows = last - first;
      row->output_rows = 1;
      if (row->rows == size) {
        // All windows from here to the bottom padding are whole.
        const int32_t whole = (stride == 2 ? (height - last) / 2 : height - last) + 1;
        row->output_rows = whole < left ? whole : left;
      }
      compute_row(pairs + (first - y) * row_pairs, rows + first * pitch, to, row);
      left -= row->output_rows;
      y += stride * row->output_rows;
      to += output_row_bytes * row->output_rows;
    }
  }
}

// A ring of as many rows as the window has.
static void compute_ring(struct pass* pass, const int8_t* input, int8_t* output) {
  const struct mcunet_depthwise_layer* const layer = pass->layer;
  const int32_t size = pass->kernel->rows;
  const int32_t stride = pass->kernel->stride;
  const int32_t pitch = pass->pitch;
  int32_t next = -layer->pad_top;  // row to gather
  int32_t slot = 0;                // where it goes
  int32_t turned = 0;              // the ring's first row is this tap
  int32_t end = size - layer->pad_top;
  for (int32_t i = 0; i < pass->count; ++i) pass->row[i].rows = size;
  for (int32_t left = layer->output_height; left > 0; --left, end += stride) {
    for (; next < end; ++next) {
      int16_t* const to = pass->rows + slot * pitch;
      if (next >= 0 && next < layer->input_height) {
        gather(pass, input, 1, to);
        input += layer->input_width * layer->channels;
      } else {
        fill_with_zeros(to, pitch);
        fill_with_zeros(to + pass->plane, pitch);
      }
      if (++slot == size) slot = 0;
    }
    for (int32_t i = 0; i < pass->count; ++i) {
      pass->kernel->compute_row(pass->pairs + i * pass->weight_pairs + turned * pass->row_pairs,
                                pass->rows + i * pass->plane, output + i, &pass->row[i]);
    }
    turned -= stride;
    while (turned < 0) turned += size;
    output += layer->output_width * layer->channels;
  }
}

void mcunet_depthwise_rows(const int8_t* input, int8_t* output,
                           const struct mcunet_depthwise_layer* layer, const void* weights,
                           void* scratch, int32_t scratch_bytes,
                           const struct mcunet_depthwise_kernel* kernel) {
  const int32_t size = kernel->rows;
  const uint32_t minus_zero_point = (uint32_t)-layer->input_zero_point;
  struct pass pass = {
      .layer = layer,
      .kernel = kernel,
      .minus_zero_point = mcunet_pack_low_low(minus_zero_point, minus_zero_point),
      .pitch = mcunet_depthwise_pitch(layer, kernel->kernel, kernel->stride),
      .row_pairs = mcunet_depthwise_row_pairs(kernel->kernel, kernel->stride),
  };
  pass.weight_pairs = size * pass.row_pairs;
  const int whole = scratch_bytes >= mcunet_depthwise_whole_scratch_bytes(
                                         layer, size, kernel->kernel, kernel->stride);
  const int32_t held_rows = whole ? mcunet_depthwise_whole_rows(layer, size, kernel->stride) : size;
  if (!whole) pass.weight_pairs += (size - 1) * pass.row_pairs;
  pass.plane = held_rows * pass.pitch;
  pass.pairs = (uint32_t*)scratch;
  pass.rows = (int16_t*)(void*)(pass.pairs + 2 * pass.weight_pairs);
  fill_with_zeros(pass.rows, 2 * pass.plane);  // the padding at the sides stays
  for (int32_t i = 0; i < 2; ++i) {
    struct mcunet_depthwise_row* const row = &pass.row[i];
    row->pitch_bytes = 2 * pass.pitch;
    row->outputs = layer->output_width;
    row->output_rows = 1;
    row->channels = layer->channels;
    row->zero_point = layer->output.zero_point;
    row->output = &layer->output;
  }

  const int8_t* packed = (const int8_t*)weights;
  for (int32_t c = 0; c < layer->channels; c += 2) {
    pass.count = layer->channels - c >= 2 ? 2 : 1;
    for (int32_t i = 0; i < pass.count; ++i, packed += kernel->channel_bytes) {
      const struct mcunet_depthwise_channel* const channel =
          (const struct mcunet_depthwise_channel*)(const void*)packed;
      uint32_t* const pairs = pass.pairs + i * pass.weight_pairs;
      kernel->widen_weights(channel->weights, pairs);
      for (int32_t k = size * pass.row_pairs; k < pass.weight_pairs; ++k) {
        pairs[k] = pairs[k - size * pass.row_pairs];
      }
      struct mcunet_depthwise_row* const row = &pass.row[i];
      row->bias = channel->bias;
      row->doubled = channel->doubled;
      row->shift = channel->shift;
      row->mode = channel->mode;
    }
    if (whole) {
      compute_plane(&pass, input + c, output + c);
    } else {
      compute_ring(&pass, input + c, output + c);
    }
  }
}
