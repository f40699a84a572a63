// A fully connected layer of a few outputs: its input is widened as it is read, once for four outputs, so that no
// column of 16-bit values has to be kept. With more outputs that would be done again for every four of them.

#include "matmul_columns.h"

// The products of four values with the weights of a pair of channels, whose words both begin at `at`.
MCUNET_INLINE void add_products(const int8_t* at, uint32_t x02, uint32_t x13, int32_t* sums) {
  const uint32_t w02 = mcunet_load_word(at);
  const uint32_t w13 = mcunet_load_word(at + 4);
  sums[0] = mcunet_mac_pairs(mcunet_widen_even(w02), x02, sums[0]);
  sums[1] = mcunet_mac_pairs(mcunet_widen_odd(w02), x02, sums[1]);
  sums[0] = mcunet_mac_pairs(mcunet_widen_even(w13), x13, sums[0]);
  sums[1] = mcunet_mac_pairs(mcunet_widen_odd(w13), x13, sums[1]);
}

// The last one to three values; what the packed weights have beyond them is zero.
static uint32_t load_rest(const int8_t* input, int32_t count) {
  uint32_t word = 0;
  for (int32_t i = 0; i < count; ++i) word |= (uint32_t)(uint8_t)input[i] << (8 * i);
  return word;
}

static __attribute__((noinline)) int8_t* finish_pair(const int32_t* sums, const void* packed_tail,
                                                     const struct mcunet_output* bounds,
                                                     int8_t* output) {
  const struct mcunet_pair_tail* const tail = (const struct mcunet_pair_tail*)packed_tail;
  for (int32_t c = 0; c < tail->channels; ++c) {
    *output++ =
        (int8_t)mcunet_requantize_general(sums[c], tail->doubled[c], tail->shift[c], bounds);
  }
  return output;
}

// One or two pairs of channels, one after the other in the packed weights.
MCUNET_INLINE int8_t* compute_pairs(const int8_t* input, int8_t* output,
                                    const struct mcunet_fully_connected_layer* layer,
                                    const int8_t* packed, int32_t pairs) {
  const int32_t padded_depth = mcunet_padded_depth(layer->input_features);
  const int32_t pair_bytes = mcunet_pair_bytes(padded_depth);
  int32_t sums[4];
  for (int32_t i = 0; i < pairs; ++i) {
    const int32_t* const bias = (const int32_t*)(const void*)(packed + i * pair_bytes);
    sums[2 * i] = bias[0];
    sums[2 * i + 1] = bias[1];
  }
  const int8_t* weights = packed + MCUNET_PAIR_HEAD_BYTES;
  const int32_t rest = layer->input_features & 3;
  const int8_t* const end = input + (layer->input_features - rest);
  for (; input != end; input += 4, weights += 8) {
    const uint32_t word = mcunet_load_word(input);
    const uint32_t x02 = mcunet_widen_even(word);
    const uint32_t x13 = mcunet_widen_odd(word);
    add_products(weights, x02, x13, sums);
    if (pairs == 2) add_products(weights + pair_bytes, x02, x13, sums + 2);
  }
  if (rest != 0) {
    const uint32_t word = load_rest(input, rest);
    const uint32_t x02 = mcunet_widen_even(word);
    const uint32_t x13 = mcunet_widen_odd(word);
    add_products(weights, x02, x13, sums);
    if (pairs == 2) add_products(weights + pair_bytes, x02, x13, sums + 2);
  }
  for (int32_t i = 0; i < pairs; ++i) {
    output = finish_pair(&sums[2 * i],
                         packed + i * pair_bytes + MCUNET_PAIR_HEAD_BYTES + 2 * padded_depth,
                         &layer->output, output);
  }
  return output;
}

void mcunet_fully_connected_few(const int8_t* input, int8_t* output,
                                const struct mcunet_fully_connected_layer* layer,
                                const void* weights) {
  const int32_t pair_bytes = mcunet_pair_bytes(mcunet_padded_depth(layer->input_features));
  for (int32_t batch = 0; batch < layer->batches; ++batch, input += layer->input_features) {
    const int8_t* packed = (const int8_t*)weights;
    int32_t left = layer->output_features;
    for (; left > 2; left -= 4, packed += 2 * pair_bytes) {
      output = compute_pairs(input, output, layer, packed, 2);
    }
    if (left > 0) output = compute_pairs(input, output, layer, packed, 1);
  }
}
