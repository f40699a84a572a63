// CMSIS-NN's kernels on the layers of the benchmark, through their public interface.

#include "arm_nnfunctions.h"
#include "layer_benchmark.h"

#ifndef CMSIS_NN_LARGEST
#define CMSIS_NN_LARGEST 100000
#endif

#if WEIGHT_BITS == 4
#define THEIRS(name) arm_##name##_s4
#else
#define THEIRS(name) arm_##name##_s8
#endif

static struct {
  void (*run)(void);
  cmsis_nn_context context;
  cmsis_nn_conv_params conv;
  cmsis_nn_dw_conv_params depthwise;
  cmsis_nn_fc_params fully_connected;
  cmsis_nn_pool_params pool;
  cmsis_nn_per_channel_quant_params per_channel;
  cmsis_nn_per_tensor_quant_params per_tensor;
  cmsis_nn_dims input_dims, filter_dims, bias_dims, output_dims;
  const struct mcunet_elementwise_layer* add;
  const int8_t* input;
  const int8_t* weights;  // or the second operand
  const int32_t* bias;
  int8_t* output;
  arm_cmsis_nn_status status;
} job;
static int8_t packed[CMSIS_NN_LARGEST];
static int32_t left_shifts[1024];

static void run_conv(void) {
  job.status = THEIRS(convolve_wrapper)(&job.context, &job.conv, &job.per_channel, &job.input_dims,
                                        job.input, &job.filter_dims, job.weights, &job.bias_dims,
                                        job.bias, &job.output_dims, job.output);
}

static void run_depthwise(void) {
  job.status = THEIRS(depthwise_conv_wrapper)(
      &job.context, &job.depthwise, &job.per_channel, &job.input_dims, job.input, &job.filter_dims,
      job.weights, &job.bias_dims, job.bias, &job.output_dims, job.output);
}

static void run_fully_connected(void) {
  job.status = THEIRS(fully_connected)(&job.context, &job.fully_connected, &job.per_tensor,
                                       &job.input_dims, job.input, &job.filter_dims, job.weights,
                                       &job.bias_dims, job.bias, &job.output_dims, job.output);
}

static void run_add(void) {
  const struct mcunet_elementwise_layer* const add = job.add;
  job.status = arm_elementwise_add_s8(
      job.input, job.weights, -add->operands[0].zero_point, add->operands[0].multiplier,
      -add->operands[0].shift, -add->operands[1].zero_point, add->operands[1].multiplier,
      -add->operands[1].shift, 20, job.output, add->output.zero_point, add->multiplier, -add->shift,
      add->output.min, add->output.max, add->elements);
}

static void run_average_pool(void) {
  job.status = arm_avgpool_s8(&job.context, &job.pool, &job.input_dims, job.input, &job.filter_dims,
                              &job.output_dims, job.output);
}

static void run_max_pool(void) {
  job.status = arm_max_pool_s8(&job.context, &job.pool, &job.input_dims, job.input,
                               &job.filter_dims, &job.output_dims, job.output);
}

// Two weights a byte, the first in the low half, as in a .tflite.
static const int8_t* pack_nibbles(const int8_t* weights, int32_t count) {
  for (int32_t i = 0; i < count; i += 2) {
    const int32_t high = i + 1 < count ? weights[i + 1] : 0;
    packed[i / 2] = (int8_t)((weights[i] & 15) | high * 16);
  }
  return packed;
}

void cmsis_nn_prepare(const struct layer* layer, const struct mcunet_filter* filter,
                      const struct mcunet_elementwise_layer* add, const int8_t* input,
                      const int8_t* second, int8_t* output, void* scratch) {
  const cmsis_nn_tile stride = {layer->stride, layer->stride}, one = {1, 1};
  const cmsis_nn_tile padding = {layer->pad_left, layer->pad_top};
  const cmsis_nn_activation all = {-128, 127};
  const int32_t input_offset = -filter->input_zero_point;
  const int32_t output_offset = filter->output.zero_point;
  const int is_depthwise = layer->kind == DEPTHWISE;
  const int32_t depth =
      layer->kernel_height * layer->kernel_width * (is_depthwise ? 1 : layer->in_channels);
  job.context.buf = scratch;
  job.input_dims = (cmsis_nn_dims){1, layer->height, layer->width, layer->in_channels};
  job.output_dims = (cmsis_nn_dims){1, layer->out_height, layer->out_width, layer->out_channels};
  job.bias_dims = (cmsis_nn_dims){1, 1, 1, layer->out_channels};
  job.filter_dims = (cmsis_nn_dims){is_depthwise ? 1 : layer->out_channels, layer->kernel_height,
                                    layer->kernel_width, layer->in_channels};
  job.input = input;
  job.output = output;
  job.add = add;
  job.weights = second;
  job.pool = (cmsis_nn_pool_params){stride, padding, all};
  if (layer->kind == ADD || layer->kind == AVERAGE_POOL || layer->kind == MAX_POOL) {
    job.run = layer->kind == ADD        ? run_add
              : layer->kind == MAX_POOL ? run_max_pool
                                        : run_average_pool;
    return;
  }
  for (int32_t c = 0; c < layer->out_channels; ++c) left_shifts[c] = -filter->shifts[c];
  job.per_channel = (cmsis_nn_per_channel_quant_params){(int32_t*)filter->multipliers, left_shifts};
  job.per_tensor = (cmsis_nn_per_tensor_quant_params){filter->multipliers[0], left_shifts[0]};
  job.bias = filter->bias;
  job.weights = WEIGHT_BITS == 4 ? pack_nibbles(filter->weights, depth * layer->out_channels)
                                 : filter->weights;
  job.conv = (cmsis_nn_conv_params){input_offset, output_offset, stride, padding, one, all};
  job.depthwise =
      (cmsis_nn_dw_conv_params){input_offset, output_offset, 1, stride, padding, one, all};
  job.fully_connected = (cmsis_nn_fc_params){input_offset, 0, output_offset, all};
  job.run = is_depthwise ? run_depthwise : run_conv;
  if (layer->kind == FULLY_CONNECTED) {
    job.filter_dims.n = layer->in_channels;
    job.run = run_fully_connected;
  }
}

void cmsis_nn_run(void) { job.run(); }

int cmsis_nn_succeeded(void) { return job.status == ARM_CMSIS_NN_SUCCESS; }
