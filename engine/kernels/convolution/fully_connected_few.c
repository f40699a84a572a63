#include "matmul_columns.h"

#define FUNCTION mcunet_fully_connected_few
#define PAIR_BYTES mcunet_pair_bytes
#define BIAS_AT(padded_depth) 0
#define WEIGHTS_AT MCUNET_PAIR_HEAD_BYTES
#define VALUE_BYTES 2
#define PAIRS_AT_ONCE 2
#define VALUES_AT_ONCE 4
#define MOST_VALUES (INT32_MAX & -4)

// The products of four values with the weights of a pair of channels, whose words both begin at `at`.
MCUNET_INLINE void add_four_products(const int8_t* at, uint32_t x02, uint32_t x13, int32_t* sums) {
  const uint32_t w02 = mcunet_load_word(at);
  const uint32_t w13 = mcunet_load_word(at + 4);
  sums[0] = mcunet_mac_pairs(mcunet_widen_even(w02), x02, sums[0]);
  sums[1] = mcunet_mac_pairs(mcunet_widen_odd(w02), x02, sums[1]);
  sums[0] = mcunet_mac_pairs(mcunet_widen_even(w13), x13, sums[0]);
  sums[1] = mcunet_mac_pairs(mcunet_widen_odd(w13), x13, sums[1]);
}

MCUNET_INLINE void add_products(const int8_t* input, int32_t count, const int8_t* weights,
                                int32_t pair_bytes, int32_t pairs, int32_t* sums) {
  const int8_t* const end = input + count;
  for (; input != end; input += 4, weights += 8) {
    const uint32_t word = mcunet_load_word(input);
    const uint32_t x02 = mcunet_widen_even(word);
    const uint32_t x13 = mcunet_widen_odd(word);
    add_four_products(weights, x02, x13, sums);
    if (pairs == 2) add_four_products(weights + pair_bytes, x02, x13, sums + 2);
  }
}

#include "fully_connected_few.inc"
