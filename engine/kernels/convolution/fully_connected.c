#include "matmul_columns.h"
#include "mcunet_kernels.h"

void mcunet_fully_connected(const int8_t* input, int8_t* output,
                            const struct mcunet_fully_connected_layer* layer, const void* weights,
                            void* scratch) {
  const struct mcunet_conv2d_1x1_layer as_convolution = {
      .pixels = layer->batches,
      .input_channels = layer->input_features,
      .output_channels = layer->output_features,
      .output = layer->output,
  };
  mcunet_conv2d_1x1(input, output, &as_convolution, weights, scratch);
}
