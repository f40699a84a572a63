// Runs layers of real networks on random data, with weights of WEIGHT_BITS bits, in the emulator, compares every output with the plain
// reference, and prints the instructions that each took.
//
// Instructions, not cycles: the emulator counts time as one nanosecond per instruction
// (-icount shift=0), and the boards' timer ticks at 25 MHz, so a tick is 40 instructions. main()
// checks that with a loop of known length before anything else.

#include <stdint.h>
#include <string.h>

#include "../../../engine/kernels/mcunet_kernels.h"
#include "../../../engine/kernels/pack.h"
#include "../../../engine/kernels/scratch.h"
#include "../../kernels/reference.h"

void semihosting_print(const char* format, ...);

#ifndef WEIGHT_BITS
#define WEIGHT_BITS 8
#endif
#if WEIGHT_BITS == 4
#define KERNEL(name) mcunet_##name##_s4
#else
#define KERNEL(name) mcunet_##name
#endif

#ifndef LARGEST_WHOLE
#define LARGEST_WHOLE \
  2048  // bytes of scratch above which depthwise convolutions use a ring of rows
#endif

enum kind { CONV, DEPTHWISE, ADD, AVERAGE_POOL };

struct layer {
  const char* network;
  const char* name;
  int16_t kind, height, width, in_channels, out_channels;
  int16_t kernel_height, kernel_width, stride;
  int16_t pad_top, pad_left, out_height, out_width;
  int16_t relu;
  int16_t repeat;  // how often the network has it
};

static const struct layer kLayers[] = {
#include "layers.inc"
};

#define TIMER_CONTROL (*(volatile uint32_t*)0x40000000)
#define TIMER_VALUE (*(volatile uint32_t*)0x40000004)
#define TIMER_RELOAD (*(volatile uint32_t*)0x40000008)

static void start_timer(void) {
  TIMER_CONTROL = 0;
  TIMER_RELOAD = 0xffffffffu;
  TIMER_VALUE = 0xffffffffu;
  TIMER_CONTROL = 1;
}

static uint32_t elapsed_instructions(void) { return (0xffffffffu - TIMER_VALUE) * 40u; }

static uint32_t random_state = 1;
static uint32_t random_word(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 17;
  random_state ^= random_state << 5;
  return random_state;
}

enum { kMaxChannels = 512, kMaxActivations = 100000, kMaxWeights = 100000 };
static int8_t input[kMaxActivations + 64], output[kMaxActivations], expected[kMaxActivations];
static int8_t filter_weights[kMaxWeights];
static int32_t packed[kMaxWeights / 2], scratch[20000];
static int32_t bias[kMaxChannels], multipliers[kMaxChannels], shifts[kMaxChannels],
    right_shifts[kMaxChannels];

static void fill_random(int8_t* bytes, int32_t count) {
  for (int32_t i = 0; i < count; ++i) bytes[i] = (int8_t)(random_word() >> 8);
}

typedef void depthwise_kernel(const int8_t*, int8_t*, const struct mcunet_depthwise_layer*,
                              const void*, void*, int32_t);
static depthwise_kernel* const kDepthwise[3][2] = {
    {KERNEL(depthwise_conv2d_3x3_s1), KERNEL(depthwise_conv2d_3x3_s2)},
    {KERNEL(depthwise_conv2d_5x5_s1), KERNEL(depthwise_conv2d_5x5_s2)},
    {KERNEL(depthwise_conv2d_7x7_s1), KERNEL(depthwise_conv2d_7x7_s2)},
};

// For these, "MACs" are elements of the input.
static int run_add(const struct layer* layer, uint32_t* instructions, uint32_t* elements) {
  *elements = (uint32_t)(layer->height * layer->width * layer->in_channels);
  struct mcunet_elementwise_layer add = {
      .elements = (int32_t)*elements,
      .period = (int32_t)*elements,
      .operands = {{-8, 1 << 30, 0}, {6, 0x63728194, 1}},
      .multiplier = 0x51627384,
      .shift = 18,
      .output = {-14, -128, 127},
  };
  fill_random(input, add.elements);
  fill_random(filter_weights, add.elements);
  for (int32_t i = 0; i < add.elements; ++i) {
    const int32_t sum =
        reference_rescale((input[i] + 8) * (1 << 20), 1 << 30, 0) +
        reference_rescale((filter_weights[i] - 6) * (1 << 20), add.operands[1].multiplier, -1);
    const int32_t value = reference_rescale(sum, add.multiplier, -add.shift) - 14;
    expected[i] = (int8_t)(value < -128 ? -128 : value > 127 ? 127 : value);
  }
  start_timer();
  mcunet_add(input, filter_weights, input, &add);
  *instructions = elapsed_instructions();
  return memcmp(input, expected, *elements) == 0;
}

static int run_average_pool(const struct layer* layer, uint32_t* instructions, uint32_t* elements) {
  *elements = (uint32_t)(layer->height * layer->width * layer->in_channels);
  const int32_t count = layer->height * layer->width;
  const struct mcunet_pool2d_layer pool = {layer->height,
                                           layer->width,
                                           1,
                                           1,
                                           layer->in_channels,
                                           layer->height,
                                           layer->width,
                                           1,
                                           1,
                                           0,
                                           0,
                                           -128,
                                           127};
  fill_random(input, (int32_t)*elements);
  for (int32_t c = 0; c < layer->in_channels; ++c) {
    int32_t sum = 0;
    for (int32_t i = 0; i < count; ++i) sum += input[i * layer->in_channels + c];
    expected[c] = (int8_t)((sum > 0 ? sum + count / 2 : sum - count / 2) / count);
  }
  start_timer();
  mcunet_average_pool2d(input, output, &pool);
  *instructions = elapsed_instructions();
  return memcmp(output, expected, (size_t)layer->in_channels) == 0;
}

static int run_layer(const struct layer* layer, uint32_t* instructions, uint32_t* macs) {
  if (layer->kind == ADD) return run_add(layer, instructions, macs);
  if (layer->kind == AVERAGE_POOL) return run_average_pool(layer, instructions, macs);
  const int depthwise = layer->kind == DEPTHWISE;
  const int32_t depth =
      layer->kernel_height * layer->kernel_width * (depthwise ? 1 : layer->in_channels);
  const int32_t inputs = layer->height * layer->width * layer->in_channels;
  const int32_t outputs = layer->out_height * layer->out_width * layer->out_channels;
  fill_random(input, inputs);
  for (int32_t i = 0; i < depth * layer->out_channels; ++i) {
    filter_weights[i] = (int8_t)((int32_t)random_word() >> (32 - WEIGHT_BITS));
  }
  // A standard deviation of 74 * 74 * sqrt(depth) spread over about 90 steps of the output.
  int32_t shift = 5;
  for (int32_t n = depth; n > 1; n /= 4) ++shift;
  for (int32_t c = 0; c < layer->out_channels; ++c) {
    bias[c] = (int32_t)(random_word() >> 16) - 32768;
    multipliers[c] = (int32_t)(0x40000000u | (random_word() >> 2));
    right_shifts[c] = shift + (int32_t)(random_word() & 1) + WEIGHT_BITS - 8;
    shifts[c] = -right_shifts[c];
  }
  const struct reference_window window = {
      layer->height,    layer->width,        layer->in_channels,   layer->out_height,
      layer->out_width, layer->out_channels, layer->kernel_height, layer->kernel_width,
      layer->stride,    layer->stride,       layer->pad_top,       layer->pad_left};
  const int32_t in_zero = -5, out_zero = layer->relu ? -128 : 7;
  const struct reference_scale scale = {multipliers, shifts, in_zero, out_zero, -128, 127};
  (depthwise ? reference_depthwise_conv2d : reference_conv2d)(input, filter_weights, bias, &window,
                                                              &scale, expected);

  const struct mcunet_filter filter = {
      filter_weights,      bias,    multipliers,          right_shifts,
      layer->out_channels, in_zero, {out_zero, -128, 127}};
  const int8_t* result = output;
  if (depthwise) {
    const struct mcunet_depthwise_layer conv = {
        layer->height,  layer->width,    layer->out_height, layer->out_width, layer->out_channels,
        layer->pad_top, layer->pad_left, in_zero,           filter.output};
    const int size = layer->kernel_height;
    depthwise_kernel* const kernel = size == 3   ? kDepthwise[0][layer->stride - 1]
                                     : size == 5 ? kDepthwise[1][layer->stride - 1]
                                                 : kDepthwise[2][layer->stride - 1];
    const int32_t whole = mcunet_depthwise_whole_scratch_bytes(&conv, size, size, layer->stride);
    const int32_t least = mcunet_depthwise_scratch_bytes(&conv, size, size, layer->stride);
    const int32_t scratch_bytes = whole <= LARGEST_WHOLE ? whole : least;
    KERNEL(pack_depthwise)(&filter, size * size, packed);
    start_timer();
    kernel(input, input, &conv, packed, scratch, scratch_bytes);
    *instructions = elapsed_instructions();
    result = input;
  } else {
    KERNEL(pack_matmul)(&filter, depth, packed);
    if (layer->kernel_height == 1 && layer->kernel_width == 1 && layer->stride == 1) {
      const struct mcunet_conv2d_1x1_layer conv = {layer->height * layer->width, layer->in_channels,
                                                   layer->out_channels, filter.output};
      start_timer();
      KERNEL(conv2d_1x1)(input, output, &conv, packed, scratch);
      *instructions = elapsed_instructions();
    } else {
      const struct mcunet_conv2d_layer conv = {
          layer->height,    layer->width,        layer->in_channels,   layer->out_height,
          layer->out_width, layer->out_channels, layer->kernel_height, layer->kernel_width,
          layer->stride,    layer->stride,       layer->pad_top,       layer->pad_left,
          in_zero,          filter.output};
      start_timer();
      KERNEL(conv2d)(input, output, &conv, packed, scratch, sizeof scratch);
      *instructions = elapsed_instructions();
    }
  }
  *macs = (uint32_t)outputs * (uint32_t)depth;
  return memcmp(result, expected, (size_t)outputs) == 0;
}

static void print_hundredths(const char* label, uint32_t instructions, uint32_t macs) {
  const uint32_t hundredths = (uint32_t)(((uint64_t)instructions * 1000 / macs + 5) / 10);
  semihosting_print("%s%lu.%02lu", label, (unsigned long)(hundredths / 100),
                    (unsigned long)(hundredths % 100));
}

int main(void) {
  start_timer();
  uint32_t loops = 1000000;
  __asm__ volatile("1: subs %0, #1\n bne 1b" : "+r"(loops)::"cc");
  const uint32_t calibration = elapsed_instructions();
  semihosting_print("a loop of 2000000 instructions: %lu\n", (unsigned long)calibration);
  if (calibration < 1999000 || calibration > 2001000) return 1;

  int failures = 0;
  enum { kCount = sizeof kLayers / sizeof kLayers[0] };
  static uint32_t instructions[kCount], macs[kCount];
  for (int i = 0; i < kCount; ++i) {
    const struct layer* layer = &kLayers[i];
    const int exact = run_layer(layer, &instructions[i], &macs[i]);
    if (macs[i] == 0) continue;
    failures += !exact;
    semihosting_print("%-9s %-10s %3dx%-3d %3d -> %-3d %9lu %9lu ", layer->network, layer->name,
                      layer->height, layer->width, layer->in_channels, layer->out_channels,
                      (unsigned long)macs[i], (unsigned long)instructions[i]);
    print_hundredths("", instructions[i], macs[i]);
    semihosting_print("%s\n", exact ? "" : "  WRONG");
  }

  static const char* const kNetworks[] = {"vww", "resnet8", "kws"};
  for (int n = 0; n < 3; ++n) {
    uint32_t all_instructions = 0, all_macs = 0;
    for (int i = 0; i < kCount; ++i) {
      if (strcmp(kLayers[i].network, kNetworks[n]) != 0) continue;
      all_instructions += instructions[i] * (uint32_t)kLayers[i].repeat;
      if (kLayers[i].kind <= DEPTHWISE) all_macs += macs[i] * (uint32_t)kLayers[i].repeat;
    }
    semihosting_print("%-9s all these layers %9lu MACs, %9lu instructions, ", kNetworks[n],
                      (unsigned long)all_macs, (unsigned long)all_instructions);
    print_hundredths("per MAC ", all_instructions, all_macs);
    semihosting_print("\n");
  }

  // By network and kind of layer, each as often as the network has it.
  for (int i = 0; i < kCount; ++i) {
    int seen = 0;
    uint32_t all_instructions = 0, all_macs = 0;
    for (int j = 0; j < kCount; ++j) {
      if (strcmp(kLayers[i].network, kLayers[j].network) != 0 ||
          strcmp(kLayers[i].name, kLayers[j].name) != 0) {
        continue;
      }
      if (j < i) seen = 1;
      all_instructions += instructions[j] * (uint32_t)kLayers[j].repeat;
      all_macs += macs[j] * (uint32_t)kLayers[j].repeat;
    }
    if (seen || all_macs == 0) continue;
    semihosting_print("%-9s %-10s all ", kLayers[i].network, kLayers[i].name);
    semihosting_print("%9lu MACs, ", (unsigned long)all_macs);
    print_hundredths("instructions per MAC ", all_instructions, all_macs);
    semihosting_print("\n");
  }
  semihosting_print("%s\n", failures ? "FAILED" : "exact");
  return failures != 0;
}
