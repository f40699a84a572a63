#include "lstm.h"

#include "mcunet_kernels.h"

// 65536 / (1 + exp(-i / 24)), as TensorFlow Lite rounds it. Its hyperbolic tangent is taken from the same table.
enum { LAST_ENTRY = 255 };
static const uint16_t kLogistic[LAST_ENTRY + 1] = {
    32768, 33451, 34133, 34813, 35493, 36169, 36843, 37513, 38180, 38841, 39498, 40149, 40794,
    41432, 42064, 42688, 43304, 43912, 44511, 45102, 45683, 46255, 46817, 47369, 47911, 48443,
    48964, 49475, 49975, 50464, 50942, 51409, 51865, 52311, 52745, 53169, 53581, 53983, 54374,
    54755, 55125, 55485, 55834, 56174, 56503, 56823, 57133, 57433, 57724, 58007, 58280, 58544,
    58800, 59048, 59288, 59519, 59743, 59959, 60168, 60370, 60565, 60753, 60935, 61110, 61279,
    61441, 61599, 61750, 61896, 62036, 62172, 62302, 62428, 62549, 62666, 62778, 62886, 62990,
    63090, 63186, 63279, 63368, 63454, 63536, 63615, 63691, 63765, 63835, 63903, 63968, 64030,
    64090, 64148, 64204, 64257, 64308, 64357, 64405, 64450, 64494, 64536, 64576, 64614, 64652,
    64687, 64721, 64754, 64786, 64816, 64845, 64873, 64900, 64926, 64950, 64974, 64997, 65019,
    65039, 65060, 65079, 65097, 65115, 65132, 65149, 65164, 65179, 65194, 65208, 65221, 65234,
    65246, 65258, 65269, 65280, 65291, 65301, 65310, 65319, 65328, 65337, 65345, 65352, 65360,
    65367, 65374, 65381, 65387, 65393, 65399, 65404, 65410, 65415, 65420, 65425, 65429, 65433,
    65438, 65442, 65445, 65449, 65453, 65456, 65459, 65462, 65465, 65468, 65471, 65474, 65476,
    65479, 65481, 65483, 65485, 65488, 65489, 65491, 65493, 65495, 65497, 65498, 65500, 65501,
    65503, 65504, 65505, 65507, 65508, 65509, 65510, 65511, 65512, 65513, 65514, 65515, 65516,
    65517, 65517, 65518, 65519, 65520, 65520, 65521, 65522, 65522, 65523, 65523, 65524, 65524,
    65525, 65525, 65526, 65526, 65526, 65527, 65527, 65528, 65528, 65528, 65529, 65529, 65529,
    65529, 65530, 65530, 65530, 65530, 65531, 65531, 65531, 65531, 65531, 65532, 65532, 65532,
    65532, 65532, 65532, 65533, 65533, 65533, 65533, 65533, 65533, 65533, 65533, 65534, 65534,
    65534, 65534, 65534, 65534, 65534, 65534, 65534, 65534, 65535,
};

// Of x in Q3.12, as Q0.15. Entries are 512 thirds apart, which all x are within.
MCUNET_INLINE int32_t logistic(int32_t x) {
  const uint32_t scaled = 3 * (uint32_t)(x < 0 ? -x : x);
  const uint32_t first = kLogistic[scaled >> 9];
  const uint32_t value = (first << 9) + (scaled & 511) * (kLogistic[(scaled >> 9) + 1] - first);
  return (int32_t)((x < 0 ? (1u << 25) - value + 511 : value + 512) >> 10);
}

// Of thirds of Q3.12, as Q0.15.
MCUNET_INLINE int32_t tanh_of_thirds(int32_t x) {
  const uint32_t scaled = (uint32_t)(x < 0 ? -x : x);
  uint32_t value = 65535u << 8;
  if (scaled < LAST_ENTRY << 8) {
    const uint32_t first = kLogistic[scaled >> 8];
    value = (first << 8) + (scaled & 255) * (kLogistic[(scaled >> 8) + 1] - first);
  }
  const int32_t from_middle = (int32_t)value - (1 << 23);
  return (x < 0 ? 127 - from_middle : from_middle + 128) >> 8;
}

// By 1/2 or more, or by nothing; rare, so its code is there once.
static __attribute__((noinline)) int32_t times_much(int32_t value, const struct mcunet_factor* by) {
  return mcunet_rescale(value, (int32_t)((uint32_t)by->doubled >> 1), by->shift);
}

MCUNET_INLINE int32_t times(int32_t value, const struct mcunet_factor* by) {
  if (by->shift > 0) return mcunet_rescale_down(value, by->doubled, by->shift);
  return times_much(value, by);
}

// `values` of them as pairs of int16; of up to three more nothing is known, and their weights are zeros.
static void widen(uint32_t* pairs, const int8_t* from, int32_t values) {
  for (; values >= 4; values -= 4, from += 4, pairs += 2) {
    const uint32_t word = mcunet_load_word(from);
    pairs[0] = mcunet_widen_even(word);
    pairs[1] = mcunet_widen_odd(word);
  }
  if (values == 0) return;
  uint32_t word = 0;
  memcpy(&word, from, (size_t)values);
  pairs[0] = mcunet_widen_even(word);
  pairs[1] = mcunet_widen_odd(word);
}

// The sums of a cell's gates over `pairs`, up to `end`; returns where its weights end.
static const uint32_t* multiply(const uint32_t* pairs, const uint32_t* end, const uint32_t* weights,
                                int32_t* sums) {
#if MCUNET_DSP
  int32_t a, b, c, d;
  uint32_t x0, x1, w0, w1, w2;
  __asm__ volatile(
      "ldrd   %[a], %[b], [%[wp]], #8       \n"
      "ldrd   %[c], %[d], [%[wp]], #8       \n"
      "1:                                   \n"
#if MCUNET_DUAL_ISSUE
      "ldr    %[w0], [%[wp]], #16           \n"
      "ldr    %[x0], [%[in]], #8            \n"
      "sxtb16 %[w2], %[w0], ror #8          \n"
      "ldr    %[w1], [%[wp], #-12]          \n"
      "sxtb16 %[w0], %[w0]                  \n"
      "smlad  %[b], %[w2], %[x0], %[b]      \n"
      "sxtb16 %[w2], %[w1], ror #8          \n"
      "smlad  %[a], %[w0], %[x0], %[a]      \n"
      "ldr    %[w0], [%[wp], #-8]           \n"
      "sxtb16 %[w1], %[w1]                  \n"
      "smlad  %[d], %[w2], %[x0], %[d]      \n"
      "ldr    %[x1], [%[in], #-4]           \n"
      "smlad  %[c], %[w1], %[x0], %[c]      \n"
      "ldr    %[w1], [%[wp], #-4]           \n"
      "sxtb16 %[w2], %[w0], ror #8          \n"
      "cmp    %[in], %[end]                 \n"
      "sxtb16 %[w0], %[w0]                  \n"
      "smlad  %[b], %[w2], %[x1], %[b]      \n"
      "sxtb16 %[w2], %[w1], ror #8          \n"
      "smlad  %[a], %[w0], %[x1], %[a]      \n"
      "sxtb16 %[w1], %[w1]                  \n"
      "smlad  %[d], %[w2], %[x1], %[d]      \n"
      "smlad  %[c], %[w1], %[x1], %[c]      \n"
#else
      "ldrd   %[x0], %[x1], [%[in]], #8     \n"
      "ldrd   %[w0], %[w1], [%[wp]], #8     \n"
      "sxtb16 %[w2], %[w0], ror #8          \n"
      "sxtb16 %[w0], %[w0]                  \n"
      "smlad  %[b], %[w2], %[x0], %[b]      \n"
      "smlad  %[a], %[w0], %[x0], %[a]      \n"
      "sxtb16 %[w2], %[w1], ror #8          \n"
      "sxtb16 %[w1], %[w1]                  \n"
      "smlad  %[d], %[w2], %[x0], %[d]      \n"
      "smlad  %[c], %[w1], %[x0], %[c]      \n"
      "ldrd   %[w0], %[w1], [%[wp]], #8     \n"
      "sxtb16 %[w2], %[w0], ror #8          \n"
      "sxtb16 %[w0], %[w0]                  \n"
      "smlad  %[b], %[w2], %[x1], %[b]      \n"
      "smlad  %[a], %[w0], %[x1], %[a]      \n"
      "sxtb16 %[w2], %[w1], ror #8          \n"
      "sxtb16 %[w1], %[w1]                  \n"
      "smlad  %[d], %[w2], %[x1], %[d]      \n"
      "smlad  %[c], %[w1], %[x1], %[c]      \n"
      "cmp    %[in], %[end]                 \n"
#endif
      "bne    1b                            \n"
      : [in] "+r"(pairs), [wp] "+r"(weights), [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c),
        [d] "=&r"(d), [x0] "=&r"(x0), [x1] "=&r"(x1), [w0] "=&r"(w0), [w1] "=&r"(w1), [w2] "=&r"(w2)
      : [end] "r"(end)
      : "memory", "cc");
#else
  int32_t a = (int32_t)weights[0];
  int32_t b = (int32_t)weights[1];
  int32_t c = (int32_t)weights[2];
  int32_t d = (int32_t)weights[3];
  weights += MCUNET_GATES;
  for (; pairs != end; ++pairs, weights += 2) {
    const int8_t* const of = (const int8_t*)weights;
    const int32_t first = mcunet_low(*pairs);
    const int32_t second = mcunet_high(*pairs);
    a = mcunet_wrapping_add(a, of[0] * first + of[2] * second);
    b = mcunet_wrapping_add(b, of[1] * first + of[3] * second);
    c = mcunet_wrapping_add(c, of[4] * first + of[6] * second);
    d = mcunet_wrapping_add(d, of[5] * first + of[7] * second);
  }
#endif
  sums[0] = a;
  sums[1] = b;
  sums[2] = c;
  sums[3] = d;
  return weights;
}

// Before its function, in Q3.12.
MCUNET_INLINE int32_t gate_of(const struct mcunet_lstm_layer* layer, const int32_t* seen,
                              const int32_t* remembered, int gate) {
  const int32_t first = mcunet_saturate_int16(times(seen[gate], &layer->input[gate]));
  const int32_t second = mcunet_saturate_int16(times(remembered[gate], &layer->recurrent[gate]));
  return mcunet_saturate_int16(first + second);
}

void mcunet_lstm(const int8_t* input, int8_t* output, const struct mcunet_lstm_layer* layer,
                 const void* weights, int8_t* hidden, int16_t* cell, void* scratch) {
  // One half, as a factor of products; from cells to thirds of Q3.12.
  const int32_t half = INT32_MIN;
  const struct mcunet_factor added = {half, 29 + layer->cell_exponent};
  const int32_t left = layer->cell_exponent > -12 ? 12 + layer->cell_exponent : 0;
  const int32_t right = layer->cell_exponent < -12 ? -12 - layer->cell_exponent : 0;
  const int32_t rounding = right > 0 ? 1 << (right - 1) : 0;
  uint32_t* const seen = (uint32_t*)scratch;
  uint32_t* const remembered = seen + mcunet_lstm_padded(layer->features) / 2;
  uint32_t* const end = remembered + mcunet_lstm_padded(layer->cells) / 2;
  for (int32_t step = 0; step < layer->steps; ++step) {
    const uint32_t* next = (const uint32_t*)weights;
    widen(seen, input, layer->features);
    widen(remembered, hidden, layer->cells);
    for (int32_t i = 0; i < layer->cells; ++i) {
      int32_t sums[MCUNET_GATES];
      int32_t more[MCUNET_GATES];
      next = multiply(seen, remembered, next, sums);
      next = multiply(remembered, end, next, more);
      const int32_t in = logistic(gate_of(layer, sums, more, 0));
      const int32_t forget = logistic(gate_of(layer, sums, more, 1));
      const int32_t fresh = tanh_of_thirds(3 * gate_of(layer, sums, more, 2));
      const int32_t out = logistic(gate_of(layer, sums, more, 3));
      const int32_t kept = mcunet_rescale_down(forget * cell[i], half, 14);
      const int32_t sum =
          mcunet_saturate_int16(kept + mcunet_saturate_int16(times(in * fresh, &added)));
      const int32_t value = mcunet_clamp(sum, layer->cell_min, layer->cell_max);
      cell[i] = (int16_t)value;
      const int32_t shown = tanh_of_thirds((value * (3 << left) + rounding) >> right);
      const int32_t rescaled = times(shown * out, &layer->hidden_factor);
      hidden[i] = output[i] =
          (int8_t)mcunet_saturate_int8(mcunet_wrapping_add(rescaled, layer->hidden_zero_point));
    }
    input += layer->features;
    output += layer->cells;
  }
}
