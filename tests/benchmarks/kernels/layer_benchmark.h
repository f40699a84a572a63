#ifndef MCUNET_TESTS_BENCHMARKS_KERNELS_LAYER_BENCHMARK_H_
#define MCUNET_TESTS_BENCHMARKS_KERNELS_LAYER_BENCHMARK_H_

// A layer of a network, and how CMSIS-NN's kernels run it.

#include <stdint.h>

#include "../../../engine/kernels/mcunet_kernels.h"
#include "../../../engine/kernels/pack.h"

#ifndef WEIGHT_BITS
#define WEIGHT_BITS 8
#endif

enum kind { CONV, DEPTHWISE, FULLY_CONNECTED, ADD, AVERAGE_POOL, MAX_POOL };

struct layer {
  const char* network;
  const char* name;
  int16_t kind, height, width, in_channels, out_channels;
  int16_t kernel_height, kernel_width, stride;
  int16_t pad_top, pad_left, out_height, out_width;
  int16_t relu;
  int16_t repeat;  // how often the network has it
};

// The layer to run next. `filter` is that of a convolution or a fully connected layer, one weight per byte; `add` describes
// an addition, of which `second` is the other operand. The result goes to `output`.
void cmsis_nn_prepare(const struct layer* layer, const struct mcunet_filter* filter,
                      const struct mcunet_elementwise_layer* add, const int8_t* input,
                      const int8_t* second, int8_t* output, void* scratch);
void cmsis_nn_run(void);
int cmsis_nn_succeeded(void);

#endif  // MCUNET_TESTS_BENCHMARKS_KERNELS_LAYER_BENCHMARK_H_
