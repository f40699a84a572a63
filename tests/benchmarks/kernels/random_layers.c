// Compares the kernels, as compiled for the emulated core, with the plain reference on random small
// layers: odd sizes, any channel count, padding, stride and finish. Every buffer ends in a guard.

#include <stdint.h>
#include <string.h>

#include "../../../engine/kernels/mcunet_kernels.h"
#include "../../../engine/kernels/pack.h"
#include "../../../engine/kernels/scratch.h"
#include "../../../engine/kernels/series.h"
#include "../../kernels/reference.h"

void semihosting_print(const char* format, ...);

enum { kSize = 40000, kChannels = 64, kGuard = 16, kLayers = 1500 };
static int8_t input[kSize], output[kSize], expected[kSize], weights[kSize];
static uint32_t packed[kSize], scratch[kSize];
static int32_t bias[kChannels], multipliers[kChannels], shifts[kChannels], right_shifts[kChannels];

static uint32_t random_state = 7;
static int32_t between(int32_t low, int32_t high) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 17;
  random_state ^= random_state << 5;
  return low + (int32_t)((random_state >> 4) % (uint32_t)(high - low + 1));
}

// Now and then only the extreme ones, or a single one, of which sums grow largest.
static void fill_between(int8_t* values, int32_t count, int32_t low, int32_t high) {
  const int32_t kind = between(0, 7);
  const int32_t alike = between(0, 1) ? low : high;
  for (int32_t i = 0; i < count; ++i) {
    values[i] = (int8_t)(kind == 0  ? alike
                         : kind < 3 ? (between(0, 1) ? low : high)
                                    : between(low, high));
  }
}

static void fill_random(int8_t* bytes, int32_t count) { fill_between(bytes, count, -128, 127); }

// Random arithmetic for a layer: bounds for ReLU, full ones, or anything.
static struct mcunet_filter make_filter(int32_t channels, int32_t depth, int32_t weight_count,
                                        int32_t bits) {
  const int32_t finish = between(0, 2);
  int32_t base = 5;
  for (int32_t n = depth; n > 1; n /= 4) ++base;
  for (int32_t c = 0; c < channels; ++c) {
    bias[c] = between(-100000, 100000);
    multipliers[c] = between(1 << 30, INT32_MAX - 1);
    right_shifts[c] = base + between(-3, 2);
    if (finish == 2 && between(0, 2) == 0) right_shifts[c] = between(-2, 31);
    if (finish < 2 && between(0, 5) == 0) right_shifts[c] = between(-2, 0);
    if (between(0, 4) == 0) {  // a bias near the ends of 32 bits, where sums wrap
      const int32_t distance = between(0, 3) == 0 ? between(0, 100000) : between(0, INT32_MAX - 1);
      bias[c] = between(0, 1) ? INT32_MAX - distance : INT32_MIN + distance;
      right_shifts[c] = between(20, 31);
    }
    shifts[c] = -right_shifts[c];
  }
  fill_between(weights, weight_count, -(1 << (bits - 1)), (1 << (bits - 1)) - 1);
  struct mcunet_filter filter = {weights,
                                 bias,
                                 multipliers,
                                 right_shifts,
                                 channels,
                                 between(-128, 127),
                                 {between(-128, 127), -128, 127}};
  if (finish == 0) filter.output.zero_point = -128;
  if (finish == 2) {
    filter.output.min = between(-128, 0);
    filter.output.max = between(1, 127);
  }
  return filter;
}

static int32_t extent(int32_t size, int32_t kernel, int32_t stride, int32_t* pad) {
  *pad = between(0, kernel - 1);
  int32_t after = between(0, kernel - 1);
  if (size + *pad + after < kernel) after = kernel - size - *pad;
  return (size + *pad + after - kernel) / stride + 1;
}

static int32_t guarded_scratch(int32_t bytes) {
  memset(scratch, 0x5a, sizeof scratch);
  return (bytes + 3) & ~3;
}

static int guards_hold(const int8_t* result, int32_t outputs, int32_t scratch_bytes) {
  for (int32_t i = 0; i < kGuard; ++i) {
    if (result[outputs + i] != 0x33 || ((const int8_t*)scratch)[scratch_bytes + i] != 0x5a)
      return 0;
  }
  return memcmp(result, expected, (size_t)outputs) == 0;
}

static int run_window(int pointwise) {
  const int32_t bits = 4 * between(1, 2);
  struct reference_window w = {0};
  w.kernel_height = pointwise ? 1 : between(1, 5);
  w.kernel_width = pointwise ? 1 : between(1, 5);
  w.stride_height = pointwise ? 1 : between(1, 3);
  w.stride_width = pointwise ? 1 : between(1, 3);
  w.input_height = between(1, 7);
  w.input_width = between(1, 7);
  w.input_channels = between(0, 1) ? 4 * between(1, 5) : between(1, 20);
  w.output_channels = between(1, 20);
  w.output_height = extent(w.input_height, w.kernel_height, w.stride_height, &w.pad_top);
  w.output_width = extent(w.input_width, w.kernel_width, w.stride_width, &w.pad_left);
  const int32_t depth = w.kernel_height * w.kernel_width * w.input_channels;
  const int32_t outputs = w.output_height * w.output_width * w.output_channels;
  const struct mcunet_filter f =
      make_filter(w.output_channels, depth, depth * w.output_channels, bits);
  const struct reference_scale scale = {multipliers,         shifts,       f.input_zero_point,
                                        f.output.zero_point, f.output.min, f.output.max};
  fill_random(input, w.input_height * w.input_width * w.input_channels);
  reference_conv2d(input, weights, bias, &w, &scale, expected);
  (bits == 4 ? mcunet_pack_matmul_s4 : mcunet_pack_matmul)(&f, depth, packed);
  memset(output, 0x33, sizeof output);
  int32_t bytes;
  if (pointwise) {
    const struct mcunet_conv2d_1x1_layer layer = {w.input_height * w.input_width, w.input_channels,
                                                  w.output_channels, f.output};
    bytes = guarded_scratch(mcunet_conv2d_1x1_scratch_bytes(layer.pixels, depth));
    (bits == 4 ? mcunet_conv2d_1x1_s4 : mcunet_conv2d_1x1)(input, output, &layer, packed, scratch);
  } else {
    const struct mcunet_conv2d_layer layer = {w.input_height,           w.input_width,
                                              w.input_channels,         w.output_height,
                                              w.output_width,           w.output_channels,
                                              (int16_t)w.kernel_height, (int16_t)w.kernel_width,
                                              (int16_t)w.stride_height, (int16_t)w.stride_width,
                                              (int16_t)w.pad_top,       (int16_t)w.pad_left,
                                              f.input_zero_point,       f.output};
    bytes = mcunet_conv2d_scratch_bytes(&layer, between(0, 1) ? 4 : 1);
    guarded_scratch(bytes);
    (bits == 4 ? mcunet_conv2d_s4 : mcunet_conv2d)(input, output, &layer, packed, scratch, bytes);
  }
  return guards_hold(output, outputs, bytes);
}

static int run_pointwise(void) { return run_window(/*pointwise=*/1); }
static int run_convolution(void) { return run_window(/*pointwise=*/0); }

typedef void depthwise_kernel(const int8_t*, int8_t*, const struct mcunet_depthwise_layer*,
                              const void*, void*, int32_t);
#define WINDOW(size, bits) \
  { mcunet_depthwise_conv2d_##size##_s1##bits, mcunet_depthwise_conv2d_##size##_s2##bits }
#define WINDOWS(bits)                                            \
  {                                                              \
    {WINDOW(3x3, bits), WINDOW(5x5, bits), WINDOW(7x7, bits)}, { \
      WINDOW(1x3, bits), WINDOW(1x5, bits), WINDOW(1x7, bits)    \
    }                                                            \
  }
// By bits / 4 - 1 and whether the window has one row.
static depthwise_kernel* const kDepthwise[2][2][3][2] = {WINDOWS(_s4), WINDOWS()};

static int run_depthwise(void) {
  const int32_t bits = 4 * between(1, 2);
  const int32_t which = between(0, 2), stride = between(1, 2), kernel = 3 + 2 * which;
  struct reference_window w = {0};
  const int32_t is_line = between(0, 1), rows = is_line ? 1 : kernel;
  w.kernel_height = rows;
  w.kernel_width = kernel;
  w.stride_height = w.stride_width = stride;
  w.input_height = between(1, 13);
  w.input_width = between(1, 19);
  w.input_channels = w.output_channels = between(1, 7);
  w.output_height = extent(w.input_height, rows, stride, &w.pad_top);
  w.output_width = extent(w.input_width, kernel, stride, &w.pad_left);
  const int32_t taps = rows * kernel;
  const int32_t inputs = w.input_height * w.input_width * w.input_channels;
  const int32_t outputs = w.output_height * w.output_width * w.output_channels;
  const struct mcunet_filter f =
      make_filter(w.output_channels, taps, taps * w.output_channels, bits);
  const struct reference_scale scale = {multipliers,         shifts,       f.input_zero_point,
                                        f.output.zero_point, f.output.min, f.output.max};
  fill_random(input, inputs);
  reference_depthwise_conv2d(input, weights, bias, &w, &scale, expected);
  (bits == 4 ? mcunet_pack_depthwise_s4 : mcunet_pack_depthwise)(&f, taps, packed);
  const struct mcunet_depthwise_layer layer = {w.input_height, w.input_width,      w.output_height,
                                               w.output_width, w.output_channels,  w.pad_top,
                                               w.pad_left,     f.input_zero_point, f.output};
  const int32_t bytes = between(0, 1)
                            ? mcunet_depthwise_whole_scratch_bytes(&layer, rows, kernel, stride)
                            : mcunet_depthwise_scratch_bytes(&layer, rows, kernel, stride);
  depthwise_kernel* const kernel_function = kDepthwise[bits / 4 - 1][is_line][which][stride - 1];
  guarded_scratch(bytes);
  memset(output, 0x33, sizeof output);
  if (w.output_width <= w.input_width && w.output_height <= w.input_height) {
    memcpy(output, input, (size_t)inputs);
    kernel_function(output, output, &layer, packed, scratch, bytes);
    if (memcmp(output + outputs, input + outputs, (size_t)(inputs - outputs)) != 0) return 0;
    memset(output + outputs, 0x33, kGuard);
  } else {
    kernel_function(input, output, &layer, packed, scratch, bytes);
  }
  return guards_hold(output, outputs, bytes);
}

static int run_any_depthwise(void) {
  const int32_t bits = 4 * between(1, 2);
  struct reference_window w = {0};
  // Rows, columns and what is neither.
  w.kernel_height = between(0, 2) ? between(1, 9) : 1;
  w.kernel_width = between(0, 2) ? between(1, 5) : 1;
  w.gap_height = between(0, 1) * between(0, 2);
  w.gap_width = between(0, 1) * between(0, 2);
  w.stride_height = between(1, 3);
  w.stride_width = between(1, 3);
  w.input_height = between(1, 11);
  w.input_width = between(0, 2) ? between(1, 7) : 1;
  const int32_t multiplier = between(0, 1) ? 1 : between(2, 9);
  w.input_channels = between(1, multiplier == 1 ? 11 : 4);
  w.output_channels = w.input_channels * multiplier;
  w.output_height = extent(w.input_height, (w.kernel_height - 1) * (w.gap_height + 1) + 1,
                           w.stride_height, &w.pad_top);
  w.output_width = extent(w.input_width, (w.kernel_width - 1) * (w.gap_width + 1) + 1,
                          w.stride_width, &w.pad_left);
  const int32_t taps = w.kernel_height * w.kernel_width;
  const int32_t outputs = w.output_height * w.output_width * w.output_channels;
  const struct mcunet_filter f =
      make_filter(w.output_channels, taps, taps * w.output_channels, bits);
  const struct reference_scale scale = {multipliers,         shifts,       f.input_zero_point,
                                        f.output.zero_point, f.output.min, f.output.max};
  fill_random(input, w.input_height * w.input_width * w.input_channels);
  reference_depthwise_conv2d(input, weights, bias, &w, &scale, expected);
  (bits == 4 ? mcunet_pack_depthwise_s4 : mcunet_pack_depthwise)(&f, taps, packed);
  const struct mcunet_depthwise_any_layer layer = {
      {w.input_height, w.input_width, w.input_channels, w.output_height, w.output_width,
       w.output_channels, (int16_t)w.kernel_height, (int16_t)w.kernel_width,
       (int16_t)w.stride_height, (int16_t)w.stride_width, (int16_t)w.pad_top, (int16_t)w.pad_left,
       f.input_zero_point, f.output},
      multiplier,
      (int16_t)(w.gap_height + 1),
      (int16_t)(w.gap_width + 1)};
  guarded_scratch(0);
  memset(output, 0x33, sizeof output);
  (bits == 4 ? mcunet_depthwise_conv2d_s4 : mcunet_depthwise_conv2d)(input, output, &layer, packed);
  return guards_hold(output, outputs, 0);
}

// Values and steps that 32-bit floats hold exactly, so that the nearest level is known.
static int run_series(void) {
  static float values[400];
  static int16_t counts[400];
  const int32_t channels = between(1, 4), averaged = between(1, 4), samples = between(1, 25);
  float zeros[4], steps[4];
  int32_t shift[4];
  for (int32_t c = 0; c < channels; ++c) {
    zeros[c] = (float)between(-5000, 5000);
    shift[c] = between(0, 9);
    steps[c] = (float)(1 << shift[c]);
  }
  const struct mcunet_series_layer layer = {samples, channels, averaged, zeros, steps};
  for (int32_t i = 0; i < samples * averaged * channels; ++i) {
    counts[i] = (int16_t)between(-20000, 20000);
    values[i] = (float)counts[i];
  }
  for (int32_t i = 0; i < samples * channels; ++i) {
    const int32_t c = i % channels;
    int32_t sum = -(int32_t)zeros[c];
    for (int32_t row = 0; row < averaged; ++row) {
      sum += counts[(i / channels * averaged + row) * channels + c];
    }
    const int32_t level = ((2 * sum >> shift[c]) + 1) >> 1;
    expected[i] = (int8_t)(level < -128 ? -128 : level > 127 ? 127 : level);
  }
  guarded_scratch(0);
  memset(output, 0x33, sizeof output);
  mcunet_series_to_input(values, output, &layer);
  if (!guards_hold(output, samples * channels, 0)) return 0;
  memset(output, 0x33, sizeof output);
  mcunet_series_counts_to_input(counts, output, &layer);
  return guards_hold(output, samples * channels, 0);
}

static int run_add(void) {
  struct mcunet_elementwise_layer layer = {.elements = between(1, 60)};
  layer.period = layer.elements;
  for (int i = 0; i < 2; ++i) {
    layer.operands[i].zero_point = between(-128, 127);
    layer.operands[i].multiplier = between(1 << 30, INT32_MAX - 1);
    layer.operands[i].shift = between(1, 5);
  }
  struct mcunet_operand* const half = &layer.operands[between(0, 1)];
  half->multiplier = 1 << 30;
  half->shift = 0;
  layer.multiplier = between(1 << 30, INT32_MAX - 1);
  layer.shift = between(17, 20);
  layer.output = (struct mcunet_output){between(-128, 127), -128, 127};
  fill_random(input, layer.elements);
  fill_random(weights, layer.elements);
  for (int32_t i = 0; i < layer.elements; ++i) {
    int32_t sum = 0;
    const int8_t values[2] = {input[i], weights[i]};
    for (int n = 0; n < 2; ++n) {
      const struct mcunet_operand* const operand = &layer.operands[n];
      sum += reference_rescale((values[n] - operand->zero_point) * (1 << 20), operand->multiplier,
                               -operand->shift);
    }
    int32_t value =
        reference_rescale(sum, layer.multiplier, -layer.shift) + layer.output.zero_point;
    expected[i] = (int8_t)(value < -128 ? -128 : value > 127 ? 127 : value);
  }
  mcunet_add(input, weights, input, &layer);
  return memcmp(input, expected, (size_t)layer.elements) == 0;
}

// Few outputs, odd numbers of them, and depths down to the least.
static int run_fully_connected(void) {
  const int32_t bits = 4 * between(1, 2);
  // Some are so deep that scaled sums of four bits leave 32, if all products have one sign.
  const int is_deep = between(0, 9) == 0;
  const int32_t depth = is_deep         ? between(600, 900)
                        : between(0, 1) ? 4 * between(1, 12)
                                        : between(1, 70);
  struct mcunet_fully_connected_layer layer = {between(0, 3) ? 1 : between(2, 6),
                                               depth,
                                               between(0, 1) ? between(1, 7) : between(8, 40),
                                               {0, 0, 0}};
  const int32_t features = layer.output_features;
  const struct mcunet_filter f = make_filter(features, depth, depth * features, bits);
  const struct reference_window w = {.input_height = 1,
                                     .input_width = layer.batches,
                                     .input_channels = depth,
                                     .output_height = 1,
                                     .output_width = layer.batches,
                                     .output_channels = features,
                                     .kernel_height = 1,
                                     .kernel_width = 1,
                                     .stride_height = 1,
                                     .stride_width = 1};
  const struct reference_scale scale = {multipliers,         shifts,       f.input_zero_point,
                                        f.output.zero_point, f.output.min, f.output.max};
  layer.output = f.output;
  fill_random(input, layer.batches * depth);
  if (is_deep) {
    memset(input, between(0, 1) ? -128 : 127, (size_t)(layer.batches * depth));
    memset(weights, bits == 4 ? -8 : -128, (size_t)(depth * features));
  }
  reference_conv2d(input, weights, bias, &w, &scale, expected);
  (bits == 4 ? mcunet_pack_matmul_s4 : mcunet_pack_matmul)(&f, depth, packed);
  memset(output, 0x33, sizeof output);
  const int32_t bytes = guarded_scratch(mcunet_fully_connected_scratch_bytes(layer.batches, depth));
  if (between(0, 1)) {
    (bits == 4 ? mcunet_fully_connected_few_s4 : mcunet_fully_connected_few)(input, output, &layer,
                                                                             packed);
  } else {
    (bits == 4 ? mcunet_fully_connected_s4 : mcunet_fully_connected)(input, output, &layer, packed,
                                                                     scratch);
  }
  return guards_hold(output, layer.batches * features, bytes);
}

static int32_t sum_of(const int8_t* at, int32_t count, int32_t distance) {
  int32_t sum = 0;
  for (int32_t i = 0; i < count; ++i) sum += at[i * distance];
  return sum;
}

static int8_t pool_window(const struct mcunet_pool2d_layer* layer, int32_t y, int32_t x, int32_t c,
                          int is_max) {
  int32_t sum = 0, count = 0, value = -128;
  for (int32_t row = y < 0 ? 0 : y; row < layer->input_height && row < y + layer->kernel_height;
       ++row) {
    for (int32_t column = x < 0 ? 0 : x;
         column < layer->input_width && column < x + layer->kernel_width; ++column) {
      const int8_t at = input[(row * layer->input_width + column) * layer->channels + c];
      sum += at;
      ++count;
      if (at > value) value = at;
    }
  }
  if (!is_max) value = (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
  return (int8_t)(value < layer->min ? layer->min : value > layer->max ? layer->max : value);
}

// Windows over everything, of more values than 16 bits hold the sum of, and any others.
static int run_pool(int is_max) {
  struct mcunet_pool2d_layer layer = {.input_height = between(1, 20),
                                      .input_width = between(1, 20)};
  int32_t pad_top = 0, pad_left = 0;
  const int everything = between(0, 1);
  layer.channels = between(1, 19);
  layer.kernel_height = (int16_t)(everything ? layer.input_height : between(1, layer.input_height));
  layer.kernel_width = (int16_t)(everything ? layer.input_width : between(1, layer.input_width));
  layer.stride_height = (int16_t)between(1, 3);
  layer.stride_width = (int16_t)between(1, 3);
  layer.output_height = layer.output_width = 1;
  if (!everything) {
    layer.output_height =
        extent(layer.input_height, layer.kernel_height, layer.stride_height, &pad_top);
    layer.output_width =
        extent(layer.input_width, layer.kernel_width, layer.stride_width, &pad_left);
  }
  layer.pad_top = (int16_t)pad_top;
  layer.pad_left = (int16_t)pad_left;
  layer.min = between(0, 2) ? -128 : between(-128, 0);
  layer.max = between(0, 2) ? 127 : between(1, 127);
  const int32_t outputs = layer.output_height * layer.output_width * layer.channels;
  if (outputs + kGuard > kSize) return 1;
  fill_random(input, layer.input_height * layer.input_width * layer.channels);
  for (int32_t at = 0; at < outputs; ++at) {
    const int32_t pixel = at / layer.channels;
    const int32_t y = pixel / layer.output_width * layer.stride_height - pad_top;
    const int32_t x = pixel % layer.output_width * layer.stride_width - pad_left;
    expected[at] = pool_window(&layer, y, x, at % layer.channels, is_max);
  }
  memset(output, 0x33, sizeof output);
  guarded_scratch(0);
  (is_max ? mcunet_max_pool2d : mcunet_average_pool2d)(input, output, &layer);
  return guards_hold(output, outputs, 0);
}

static int run_average_pool(void) { return run_pool(0); }
static int run_max_pool(void) { return run_pool(1); }

static int run_mean(void) {
  const struct mcunet_mean_layer layer = {between(1, 3),
                                          between(0, 1) ? between(1, 40) : between(200, 700),
                                          between(1, 14),
                                          between(-128, 127),
                                          between(1 << 20, INT32_MAX - 1),
                                          between(-1, 12),
                                          {between(-128, 127), -128, 127}};
  fill_random(input, layer.outer * layer.reduced * layer.inner);
  for (int32_t at = 0; at < layer.outer * layer.inner; ++at) {
    const int32_t sum =
        sum_of(input + at / layer.inner * layer.reduced * layer.inner + at % layer.inner,
               layer.reduced, layer.inner) -
        layer.reduced * layer.input_zero_point;
    const int32_t mean =
        reference_rescale(sum, layer.multiplier, -layer.shift) + layer.output.zero_point;
    expected[at] = (int8_t)(mean < -128 ? -128 : mean > 127 ? 127 : mean);
  }
  memset(output, 0x33, sizeof output);
  guarded_scratch(0);
  mcunet_mean(input, output, &layer);
  return guards_hold(output, layer.outer * layer.inner, 0);
}

static int run_batch_matmul(void) {
  struct mcunet_batch_matmul_layer layer = {.matrices = between(1, 3),
                                            .rows = between(1, 7),
                                            .depth = between(1, 40),
                                            .columns = between(1, 7),
                                            .zero_points = {between(-128, 127), between(-128, 127)},
                                            .multiplier = between(1 << 30, INT32_MAX - 1),
                                            .shift = between(4, 14),
                                            .output = {between(-128, 127), -128, 127}};
  const int32_t is_transposed = between(0, 1);
  layer.stride = between(0, 2) ? layer.rows * layer.depth : 0;
  layer.strides[0] = between(0, 2) ? layer.depth * layer.columns : 0;
  layer.strides[1] = is_transposed ? 1 : layer.columns;
  layer.strides[2] = is_transposed ? layer.depth : 1;
  fill_random(input, layer.matrices * layer.rows * layer.depth);
  fill_random(weights, layer.matrices * layer.depth * layer.columns);
  const int32_t outputs = layer.matrices * layer.rows * layer.columns;
  for (int32_t at = 0; at < outputs; ++at) {
    const int32_t matrix = at / (layer.rows * layer.columns);
    const int8_t* const row =
        input + matrix * layer.stride + at / layer.columns % layer.rows * layer.depth;
    const int8_t* const column =
        weights + matrix * layer.strides[0] + at % layer.columns * layer.strides[2];
    int32_t sum = 0;
    for (int32_t k = 0; k < layer.depth; ++k) {
      sum +=
          (row[k] - layer.zero_points[0]) * (column[k * layer.strides[1]] - layer.zero_points[1]);
    }
    const int32_t value =
        reference_rescale(sum, layer.multiplier, -layer.shift) + layer.output.zero_point;
    expected[at] = (int8_t)(value < -128 ? -128 : value > 127 ? 127 : value);
  }
  const int32_t bytes = mcunet_batch_matmul_scratch_bytes(layer.depth);
  memset(output, 0x33, sizeof output);
  guarded_scratch(bytes);
  mcunet_batch_matmul(input, weights, output, &layer, scratch);
  return guards_hold(output, outputs, bytes);
}

// Its weights and those of the hidden state share the same bytes.
static int run_lstm(void) {
  struct reference_lstm_layer reference = {
      .steps = between(1, 4),
      .features = between(1, 21),
      .cells = between(1, 19),
      .input_zero_point = between(-128, 127),
      .hidden_zero_point = between(-128, 127),
      .cell_exponent = between(0, 2) ? between(-15, -9) : between(-30, 2),
      .cell_min = -32768,
      .cell_max = 32767,
      .hidden_multiplier = between(1 << 30, INT32_MAX - 1),
      .hidden_shift = between(0, 5) ? -between(20, 23) : between(0, 1)};
  if (between(0, 1)) {
    reference.cell_max = between(0, 32767);
    reference.cell_min = -reference.cell_max;
  }
  struct mcunet_lstm_layer layer = {
      .steps = reference.steps,
      .features = reference.features,
      .cells = reference.cells,
      .cell_exponent = reference.cell_exponent,
      .cell_min = reference.cell_min,
      .cell_max = reference.cell_max,
      .hidden_factor = {(int32_t)((uint32_t)reference.hidden_multiplier << 1),
                        -reference.hidden_shift},
      .hidden_zero_point = reference.hidden_zero_point};
  struct mcunet_lstm_weights filter = {.features = reference.features,
                                       .cells = reference.cells,
                                       .input_zero_point = reference.input_zero_point,
                                       .hidden_zero_point = reference.hidden_zero_point};
  fill_random(weights, 8 * 21 * 21);
  for (int32_t i = 0; i < kChannels; ++i) bias[i] = between(-30000, 30000);
  for (int gate = 0; gate < MCUNET_GATES; ++gate) {
    filter.input[gate] = reference.input_weights[gate] = weights + gate * 21 * 21;
    filter.recurrent[gate] = reference.recurrent_weights[gate] = weights + (4 + gate) * 21 * 21;
    filter.bias[gate] = reference.bias[gate] = bias + gate * 5;
    for (int part = 0; part < 2; ++part) {
      const int32_t multiplier = between(1 << 30, INT32_MAX - 1);
      const int32_t shift = between(0, 5) ? -between(1, 6) : between(0, 2);
      (part ? reference.recurrent_multipliers : reference.input_multipliers)[gate] = multiplier;
      (part ? reference.recurrent_shifts : reference.input_shifts)[gate] = shift;
      struct mcunet_factor* const to = part ? layer.recurrent : layer.input;
      to[gate] = (struct mcunet_factor){(int32_t)((uint32_t)multiplier << 1), -shift};
    }
  }
  mcunet_pack_lstm(&filter, packed);
  static int8_t hidden[32], first_hidden[32];
  static int16_t cell[32], expected_cell[32];
  fill_random(hidden, 32);
  fill_random((int8_t*)cell, 64);
  memcpy(first_hidden, hidden, 32);
  memcpy(expected_cell, cell, 64);
  fill_random(input, reference.steps * reference.features);
  const int32_t count = reference.steps * reference.cells;
  memset(output, 0x33, sizeof output);
  reference_lstm(input, &reference, first_hidden, expected_cell, expected);
  const int32_t bytes = guarded_scratch(mcunet_lstm_scratch_bytes(layer.features, layer.cells));
  mcunet_lstm(input, output, &layer, packed, hidden, cell, scratch);
  return guards_hold(output, count, bytes) && memcmp(cell, expected_cell, sizeof cell) == 0 &&
         memcmp(hidden, expected + count - layer.cells, (size_t)layer.cells) == 0;
}

int main(void) {
  int failures = 0;
  static int (*const kKinds[])(void) = {run_pointwise,     run_convolution,  run_fully_connected,
                                        run_depthwise,     run_average_pool, run_max_pool,
                                        run_mean,          run_add,          run_series,
                                        run_any_depthwise, run_batch_matmul, run_lstm};
  static const char* const kNames[] = {
      "conv2d_1x1", "conv2d", "fully_connected", "depthwise",     "average_pool2d", "max_pool2d",
      "mean",       "add",    "series",          "any depthwise", "batch_matmul",   "lstm"};
  enum { kCount = sizeof kKinds / sizeof *kKinds };
  for (int i = 0; i < kLayers; ++i) {
    for (int kind = 0; kind < kCount; ++kind) {
      if (kKinds[kind]()) continue;
      semihosting_print("layer %d: %s is wrong\n", i, kNames[kind]);
      ++failures;
    }
  }
  semihosting_print("%d random layers of %d kinds: %d wrong\n", kLayers, kCount, failures);
  return failures != 0;
}
