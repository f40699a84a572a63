#include "depthwise_rows.h"

#include "depthwise_pass.h"

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

__attribute__((used)) void mcunet_depthwise_finish(const int32_t* sums, int32_t count,
                                                   const struct mcunet_depthwise_row* row,
                                                   int8_t* output) {
  for (int32_t i = 0; i < count; ++i) {
    output[i * row->channels] =
        (int8_t)mcunet_requantize_general(sums[i], row->doubled, row->shift, row->output);
  }
}

// Neighbouring channels are neighbouring bytes.
static int32_t pixel_bytes(int32_t channels) { return channels; }
static int32_t passes_of(int32_t channels) { return (channels + 1) / 2; }
static int32_t first_channel(int32_t pass) { return 2 * pass; }
static int32_t second_channel(int32_t pass) { return 2 * pass + 1; }
static int32_t pass_offset(int32_t pass) { return 2 * pass; }

// Outputs are stored where they belong.
static int32_t output_distance(const struct mcunet_depthwise_layer* layer) {
  return layer->channels;
}
static int32_t plane_bytes(const struct mcunet_depthwise_layer* layer) {
  (void)layer;
  return 0;
}

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

static int8_t* outputs_of(const struct pass* pass, int32_t i, int8_t* output) {
  (void)pass;
  return output + i;
}
static void finish_row(const struct pass* pass, int8_t* output) {
  (void)pass;
  (void)output;
}
static void finish_plane(const struct pass* pass, int8_t* output) {
  (void)pass;
  (void)output;
}

#define FUNCTION mcunet_depthwise_rows
#include "depthwise_rows.inc"
