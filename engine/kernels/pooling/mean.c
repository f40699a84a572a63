#include "sum_to_mean.h"

void mcunet_mean(const int8_t* input, int8_t* output, const struct mcunet_mean_layer* layer) {
  const struct mcunet_mean_scale scale = mcunet_mean_scale_of(layer);
  const int8_t* const end = output + layer->outer * layer->inner;
  int32_t inner = 0;
  while (output != end) {
    int32_t sums[kMcunetSummedAtOnce] = {0};
    int32_t summed = 1;
    if (layer->inner == 1) {  // values that follow each other
      for (const int8_t* const next = input + layer->reduced; input != next;) sums[0] += *input++;
    } else {
      summed =
          mcunet_add_row(input + inner, layer->inner - inner, layer->reduced, layer->inner, sums);
      inner += summed;
      if (inner == layer->inner) {
        inner = 0;
        input += layer->reduced * layer->inner;
      }
    }
    for (int32_t i = 0; i < summed; ++i) *output++ = mcunet_mean_of(sums[i], &scale, layer);
  }
}
