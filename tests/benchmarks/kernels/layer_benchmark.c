// Runs layers of real networks on random data, with weights of WEIGHT_BITS bits, in the emulator, compares every output with
// the plain reference, and prints the instructions that each took; with CMSIS_NN, also those of CMSIS-NN's kernels.
//
// Instructions, not cycles: the emulator counts time as one nanosecond per instruction
// (-icount shift=0), and the boards' timer ticks at 25 MHz, so a tick is 40 instructions. main()
// checks that with a loop of known length before anything else.

#include "layer_benchmark.h"

#include <stdint.h>
#include <string.h>

#include "../../../engine/kernels/scratch.h"
#include "../../kernels/reference.h"

void semihosting_print(const char* format, ...);

#if WEIGHT_BITS == 4
#define KERNEL(name) mcunet_##name##_s4
#else
#define KERNEL(name) mcunet_##name
#endif

#ifndef LARGEST_WHOLE
#define LARGEST_WHOLE \
  2048  // bytes of scratch above which depthwise convolutions use a ring of rows
#endif

// Fully connected layers of so few outputs and so many inputs have a kernel without columns, as
// engine/planning/kernels.cpp chooses.
#ifndef FEW_OUTPUTS
#define FEW_OUTPUTS (WEIGHT_BITS == 4 ? 6 : 4)
#endif
#ifndef MANY_INPUTS
#define MANY_INPUTS (WEIGHT_BITS == 4 ? 64 : 1024)
#endif

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

enum { kMaxChannels = 640, kMaxActivations = 100000, kMaxWeights = 100000 };
static int8_t input[kMaxActivations + 64], output[kMaxActivations], expected[kMaxActivations];
static int8_t filter_weights[kMaxWeights];  // or the second operand of an addition
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

// The layer to run next, as its kernel wants it.
static struct {
  void (*run)(void);
  union {
    struct mcunet_conv2d_1x1_layer conv2d_1x1;
    struct mcunet_conv2d_layer conv2d;
    struct mcunet_depthwise_layer depthwise;
    struct mcunet_fully_connected_layer fully_connected;
    struct mcunet_elementwise_layer add;
    struct mcunet_pool2d_layer pool;
  } as;
  depthwise_kernel* depthwise;
  int32_t scratch_bytes;
  const int8_t* result;
} job;

static void run_conv2d_1x1(void) {
  KERNEL(conv2d_1x1)(input, output, &job.as.conv2d_1x1, packed, scratch);
}
static void run_fully_connected(void) {
  KERNEL(fully_connected)(input, output, &job.as.fully_connected, packed, scratch);
}
static void run_fully_connected_few(void) {
  KERNEL(fully_connected_few)(input, output, &job.as.fully_connected, packed);
}
static void run_conv2d(void) {
  KERNEL(conv2d)(input, output, &job.as.conv2d, packed, scratch, sizeof scratch);
}
static void run_depthwise(void) {
  job.depthwise(input, input, &job.as.depthwise, packed, scratch, job.scratch_bytes);
}
static void run_add(void) { mcunet_add(input, filter_weights, input, &job.as.add); }
static void run_average_pool(void) { mcunet_average_pool2d(input, output, &job.as.pool); }
static void run_max_pool(void) { mcunet_max_pool2d(input, output, &job.as.pool); }

static __attribute__((noinline)) void job_run(void) { job.run(); }

// What is counted: from where it calls `run` to where it is back. run.sh knows these names, so the
// compiler may not make another function of it, for the one argument that it always has.
static __attribute__((noipa)) uint32_t count_instructions(void (*run)(void)) {
  start_timer();
  run();
  return elapsed_instructions();
}

static int32_t outputs_of(const struct layer* layer) {
  return layer->out_height * layer->out_width * layer->out_channels;
}

static void prepare_add(const struct layer* layer) {
  const struct mcunet_elementwise_layer add = {
      .elements = outputs_of(layer),
      .period = outputs_of(layer),
      .operands = {{-8, 1 << 30, 0}, {6, 0x63728194, 1}},
      .multiplier = 0x51627384,
      .shift = 18,
      .output = {-14, -128, 127},
  };
  fill_random(filter_weights, add.elements);
  for (int32_t i = 0; i < add.elements; ++i) {
    const int32_t sum =
        reference_rescale((input[i] + 8) * (1 << 20), 1 << 30, 0) +
        reference_rescale((filter_weights[i] - 6) * (1 << 20), add.operands[1].multiplier, -1);
    const int32_t value = reference_rescale(sum, add.multiplier, -add.shift) - 14;
    expected[i] = (int8_t)(value < -128 ? -128 : value > 127 ? 127 : value);
  }
  job.as.add = add;
  job.run = run_add;
  job.result = input;
}

static int8_t pool_window(const struct layer* layer, int y, int x, int c) {
  int32_t count = 0, sum = 0, most = -128;
  for (int ky = 0; ky < layer->kernel_height; ++ky) {
    for (int kx = 0; kx < layer->kernel_width; ++kx) {
      const int iy = y * layer->stride - layer->pad_top + ky;
      const int ix = x * layer->stride - layer->pad_left + kx;
      if (iy < 0 || ix < 0 || iy >= layer->height || ix >= layer->width) continue;
      const int8_t value = input[(iy * layer->width + ix) * layer->in_channels + c];
      ++count;
      sum += value;
      if (value > most) most = value;
    }
  }
  if (layer->kind == MAX_POOL) return (int8_t)most;
  return (int8_t)((sum > 0 ? sum + count / 2 : sum - count / 2) / count);
}

static void prepare_pool(const struct layer* layer) {
  job.as.pool = (struct mcunet_pool2d_layer){layer->height,
                                             layer->width,
                                             layer->out_height,
                                             layer->out_width,
                                             layer->in_channels,
                                             layer->kernel_height,
                                             layer->kernel_width,
                                             layer->stride,
                                             layer->stride,
                                             layer->pad_top,
                                             layer->pad_left,
                                             -128,
                                             127};
  job.run = layer->kind == MAX_POOL ? run_max_pool : run_average_pool;
  job.result = output;
  int8_t* value = expected;
  for (int y = 0; y < layer->out_height; ++y) {
    for (int x = 0; x < layer->out_width; ++x) {
      for (int c = 0; c < layer->in_channels; ++c) *value++ = pool_window(layer, y, x, c);
    }
  }
}

static void prepare_depthwise(const struct layer* layer, const struct mcunet_filter* filter) {
  const struct mcunet_depthwise_layer conv = {
      layer->height,       layer->width,   layer->out_height, layer->out_width,
      layer->out_channels, layer->pad_top, layer->pad_left,   filter->input_zero_point,
      filter->output};
  const int size = layer->kernel_height;
  const int32_t whole = mcunet_depthwise_whole_scratch_bytes(&conv, size, size, layer->stride);
  const int32_t least = mcunet_depthwise_scratch_bytes(&conv, size, size, layer->stride);
  KERNEL(pack_depthwise)(filter, size * size, packed);
  job.as.depthwise = conv;
  job.depthwise = kDepthwise[(size - 3) / 2][layer->stride - 1];
  job.scratch_bytes = whole <= LARGEST_WHOLE ? whole : least;
  job.run = run_depthwise;
  job.result = input;
}

static void prepare_conv(const struct layer* layer, const struct mcunet_filter* filter,
                         int32_t depth) {
  KERNEL(pack_matmul)(filter, depth, packed);
  job.result = output;
  if (layer->kind == FULLY_CONNECTED) {
    job.as.fully_connected = (struct mcunet_fully_connected_layer){
        1, layer->in_channels, layer->out_channels, filter->output};
    job.run = layer->out_channels <= FEW_OUTPUTS && layer->in_channels >= MANY_INPUTS
                  ? run_fully_connected_few
                  : run_fully_connected;
    return;
  }
  if (layer->kernel_height == 1 && layer->kernel_width == 1 && layer->stride == 1) {
    job.as.conv2d_1x1 = (struct mcunet_conv2d_1x1_layer){
        layer->height * layer->width, layer->in_channels, layer->out_channels, filter->output};
    job.run = run_conv2d_1x1;
    return;
  }
  job.as.conv2d = (struct mcunet_conv2d_layer){layer->height,
                                               layer->width,
                                               layer->in_channels,
                                               layer->out_height,
                                               layer->out_width,
                                               layer->out_channels,
                                               layer->kernel_height,
                                               layer->kernel_width,
                                               layer->stride,
                                               layer->stride,
                                               layer->pad_top,
                                               layer->pad_left,
                                               filter->input_zero_point,
                                               filter->output};
  job.run = run_conv2d;
}

// A convolution of either kind, or fully connected.
static struct mcunet_filter prepare_filter(const struct layer* layer, int32_t depth) {
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
    if (layer->kind == FULLY_CONNECTED) {  // one scale for all
      multipliers[c] = multipliers[0];
      right_shifts[c] = right_shifts[0];
    }
    shifts[c] = -right_shifts[c];
  }
  const struct reference_window window = {layer->height,
                                          layer->width,
                                          layer->in_channels,
                                          layer->out_height,
                                          layer->out_width,
                                          layer->out_channels,
                                          layer->kernel_height,
                                          layer->kernel_width,
                                          layer->stride,
                                          layer->stride,
                                          layer->pad_top,
                                          layer->pad_left,
                                          0,
                                          0};
  const int32_t in_zero = -5, out_zero = layer->relu ? -128 : 7;
  const struct reference_scale scale = {multipliers, shifts, in_zero, out_zero, -128, 127};
  (layer->kind == DEPTHWISE ? reference_depthwise_conv2d : reference_conv2d)(
      input, filter_weights, bias, &window, &scale, expected);
  return (struct mcunet_filter){filter_weights,      bias,    multipliers,          right_shifts,
                                layer->out_channels, in_zero, {out_zero, -128, 127}};
}

struct count {
  uint32_t macs, instructions, theirs;
};

// Returns whether all is exact. For additions and pools, "MACs" are elements of the input.
static int run_layer(const struct layer* layer, struct count* count) {
  const int32_t inputs = layer->height * layer->width * layer->in_channels;
  const int32_t outputs = outputs_of(layer);
  fill_random(input, inputs);
  struct mcunet_filter filter = {0};
  count->macs = (uint32_t)inputs;
  if (layer->kind == ADD) {
    prepare_add(layer);
  } else if (layer->kind == AVERAGE_POOL || layer->kind == MAX_POOL) {
    prepare_pool(layer);
  } else {
    const int32_t depth = layer->kernel_height * layer->kernel_width *
                          (layer->kind == DEPTHWISE ? 1 : layer->in_channels);
    count->macs = (uint32_t)(outputs * depth);
    filter = prepare_filter(layer, depth);
    if (layer->kind == DEPTHWISE) {
      prepare_depthwise(layer, &filter);
    } else {
      prepare_conv(layer, &filter, depth);
    }
  }
  int exact = 1;
#ifdef CMSIS_NN
  cmsis_nn_prepare(layer, &filter, &job.as.add, input, filter_weights, output, scratch);
  count->theirs = count_instructions(cmsis_nn_run);
  exact = cmsis_nn_succeeded() && memcmp(output, expected, (size_t)outputs) == 0;
  memset(output, 0, (size_t)outputs);
#endif
  count->instructions = count_instructions(job_run);
  return exact && memcmp(job.result, expected, (size_t)outputs) == 0;
}

static void print_hundredths(const char* label, uint32_t part, uint32_t whole) {
  const uint32_t hundredths = (uint32_t)(((uint64_t)part * 1000 / whole + 5) / 10);
  semihosting_print("%s%lu.%02lu", label, (unsigned long)(hundredths / 100),
                    (unsigned long)(hundredths % 100));
}

static void add_count(struct count* sum, const struct count* count, int times) {
  sum->macs += count->macs * (uint32_t)times;
  sum->instructions += count->instructions * (uint32_t)times;
  sum->theirs += count->theirs * (uint32_t)times;
}

static void print_count(const struct count* count) {
  semihosting_print(" %9lu %9lu ", (unsigned long)count->macs, (unsigned long)count->instructions);
  print_hundredths("", count->instructions, count->macs);
  if (count->theirs == 0) return;
  semihosting_print("   CMSIS-NN %9lu ", (unsigned long)count->theirs);
  print_hundredths("ratio ", count->instructions, count->theirs);
}

int main(void) {
  start_timer();
  uint32_t loops = 1000000;
  __asm__ volatile(".syntax unified\n1: subs %0, #1\n bne 1b" : "+r"(loops)::"cc");
  const uint32_t calibration = elapsed_instructions();
  semihosting_print("a loop of 2000000 instructions: %lu\n", (unsigned long)calibration);
  if (calibration < 1999000 || calibration > 2001000) return 1;

  semihosting_print(
      "network   layer      times   input        channels     MACs    instructions each\n");
  int failures = 0;
  enum { kCount = sizeof kLayers / sizeof kLayers[0] };
  static struct count counts[kCount];
  for (int i = 0; i < kCount; ++i) {
    const struct layer* layer = &kLayers[i];
    const int exact = run_layer(layer, &counts[i]);
    failures += !exact;
    semihosting_print("%-9s %-10s x%d %3dx%-3d %3d -> %-3d", layer->network, layer->name,
                      layer->repeat, layer->height, layer->width, layer->in_channels,
                      layer->out_channels);
    print_count(&counts[i]);
    semihosting_print("%s\n", exact ? "" : "  WRONG");
  }

  // MACs only of layers that have weights.
  static const char* const kNetworks[] = {"vww", "resnet8", "kws"};
  for (int n = 0; n < 3; ++n) {
    struct count all = {0, 0, 0};
    for (int i = 0; i < kCount; ++i) {
      if (strcmp(kLayers[i].network, kNetworks[n]) != 0) continue;
      struct count count = counts[i];
      if (kLayers[i].kind > FULLY_CONNECTED) count.macs = 0;
      add_count(&all, &count, kLayers[i].repeat);
    }
    semihosting_print("%-9s all these layers    ", kNetworks[n]);
    print_count(&all);
    semihosting_print("\n");
  }

  // By network and kind of layer, each as often as the network has it.
  for (int i = 0; i < kCount; ++i) {
    int seen = 0;
    struct count all = {0, 0, 0};
    for (int j = 0; j < kCount; ++j) {
      if (strcmp(kLayers[i].network, kLayers[j].network) != 0 ||
          strcmp(kLayers[i].name, kLayers[j].name) != 0) {
        continue;
      }
      if (j < i) seen = 1;
      add_count(&all, &counts[j], kLayers[j].repeat);
    }
    if (seen) continue;
    semihosting_print("%-9s %-10s all        ", kLayers[i].network, kLayers[i].name);
    print_count(&all);
    semihosting_print("\n");
  }
  semihosting_print("%s\n", failures ? "FAILED" : "exact");
  return failures != 0;
}
