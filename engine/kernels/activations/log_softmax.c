#include "fixed_point.h"
#include "mcunet_kernels.h"

// log x for x >= 1 with 12 integer bits; the result has 5. x is 2^e * r with r around 2^(-1/4): the
// logarithm of r is a rational function of its distance from there, that of 2^e a multiple of log 2.
static int32_t fixed_log(int32_t x) {
  const int32_t log_of_two = 1488522236;
  const int32_t root_of_half = 1518500250;
  const int32_t fourth_root_of_half = 1805811301;
  const int32_t quarter = 1 << 23;  // with 6 integer bits
  const int32_t numerator_square = 117049297;
  const int32_t denominator_square = 127690142;
  const int32_t denominator_constant = 1057819769;
  const int32_t denominator_distance = 638450708;

  // Two candidates for e, that differ by a half; the smaller r is the right one.
  const int32_t zeros = mcunet_leading_zeros(x);
  const int32_t reduced = mcunet_fixed_shift_left(
      mcunet_fixed_product(mcunet_fixed_shift_left(x, zeros - 1), root_of_half), 1);
  const int32_t exponent = (12 - zeros) * (1 << 25) + quarter;
  const int32_t headroom = mcunet_leading_zeros(mcunet_fixed_product(x, root_of_half)) - 1;
  const int32_t other_reduced = mcunet_fixed_shift_left(x, headroom);
  const int32_t other_exponent = (12 - headroom) * (1 << 25) - quarter;
  const int32_t r = reduced < other_reduced ? reduced : other_reduced;
  const int32_t e = exponent > other_exponent ? exponent : other_exponent;

  const int32_t middle = (int32_t)(((int64_t)r + fourth_root_of_half + 1) / 2);
  const int32_t distance = 2 * (r - fourth_root_of_half);
  const int32_t square = mcunet_fixed_product(distance, distance);
  const int32_t numerator =
      mcunet_fixed_product(distance, r) +
      mcunet_fixed_product(mcunet_fixed_product(distance, square), numerator_square);
  const int32_t denominator_minus_one =
      mcunet_fixed_product(middle, denominator_constant + distance +
                                       mcunet_fixed_product(denominator_square, square)) +
      mcunet_fixed_product(denominator_distance, distance);
  const int32_t of_r =
      mcunet_fixed_product(mcunet_fixed_shift_right(numerator, 6),
                           mcunet_fixed_reciprocal_of_one_plus(denominator_minus_one));
  return mcunet_fixed_shift_left(mcunet_fixed_product(e, log_of_two) + of_r, 1);
}

static int32_t largest(const int8_t* values, int32_t count) {
  int32_t most = -128;
  for (int32_t c = 0; c < count; ++c) {
    if (values[c] > most) most = values[c];
  }
  return most;
}

// A difference from the largest value, with 5 integer bits.
static int32_t scaled(int32_t difference, const struct mcunet_log_softmax_layer* layer) {
  return mcunet_rescale(difference, layer->multiplier, -layer->left_shift);
}

void mcunet_log_softmax(const int8_t* input, int8_t* output,
                        const struct mcunet_log_softmax_layer* layer) {
  for (int32_t row = 0; row < layer->rows; ++row) {
    const int32_t most = largest(input, layer->depth);
    int32_t sum = 0;  // 12 integer bits
    for (int32_t c = 0; c < layer->depth; ++c) {
      const int32_t difference = input[c] - most;
      if (difference < layer->min_difference) continue;
      sum += mcunet_fixed_shift_right(mcunet_fixed_exp_of_negative(scaled(difference, layer)), 12);
    }
    const int32_t log_of_sum = fixed_log(sum);  // 5 integer bits
    // Differences whose logarithm would not fit 5 integer bits.
    const int32_t least = mcunet_rescale((int32_t)((uint32_t)log_of_sum + (UINT32_C(1) << 31)),
                                         layer->inverse_multiplier, layer->inverse_shift);
    const int32_t floor = least > layer->min_difference - 1 ? least : layer->min_difference - 1;
    for (int32_t c = 0; c < layer->depth; ++c) {
      const int32_t difference = input[c] - most;
      int32_t value = -128;
      if (difference > floor) {
        value = 127 + mcunet_fixed_shift_right(scaled(difference, layer) - log_of_sum, 22);
      }
      output[c] = (int8_t)mcunet_clamp(value, -128, 127);
    }
    input += layer->depth;
    output += layer->depth;
  }
}
