#include "log_mel.h"

// Sizes of the numbers, so that nothing overflows. Windowed samples: 15 bits and kExtraBits of
// fraction, 2^20. The FFT of pairs adds 10.5 bits at most: 2^30.5. A bin of the real spectrum:
// 2^31, its power 2^62. A band's energy, by Parseval's theorem: 2^(62 - 1 - kPowerShift + 12).

enum { kExtraBits = 5, kPowerShift = 11 };

typedef union mcunet_log_mel_bin bin;

// a * (cos, -sin)
static void rotate(int32_t* re, int32_t* im, const int16_t* twiddle) {
  const int64_t c = twiddle[0];
  const int64_t s = twiddle[1];
  const int64_t r = *re;
  const int64_t i = *im;
  *re = (int32_t)((r * c - i * s + (1 << 14)) >> 15);
  *im = (int32_t)((r * s + i * c + (1 << 14)) >> 15);
}

// Even samples as real parts and odd ones as imaginary, in the order that the FFT begins with.
static void load_frame(const int16_t* samples, int32_t frame, bin* bins,
                       const struct mcunet_log_mel_layer* layer) {
  const int32_t half_log2 = layer->fft_log2 - 1;
  const int32_t half = 1 << half_log2;
  const int32_t middle =
      (int32_t)((2 * (int64_t)frame + 1) * layer->samples / (2 * (int64_t)layer->frames));
  const int32_t start = middle - layer->window_length / 2;
  uint32_t reversed = 0;
  for (int32_t i = 0; i < half; ++i) {
    int32_t pair[2] = {0, 0};
    for (int32_t j = 0; j < 2; ++j) {
      const int32_t n = 2 * i + j;
      const int32_t at = start + n;
      if (n < layer->window_length && at >= 0 && at < layer->samples) {
        const int32_t product = samples[at] * layer->window[n];
        pair[j] = (product + (1 << (14 - kExtraBits))) >> (15 - kExtraBits);
      }
    }
    bins[reversed].value.re = pair[0];
    bins[reversed].value.im = pair[1];
    // The next number with its bits reversed.
    uint32_t bit = (uint32_t)half >> 1;
    while (reversed & bit) {
      reversed ^= bit;
      bit >>= 1;
    }
    reversed |= bit;
  }
}

// In place, radix 2, decimation in time.
static void transform(bin* bins, const struct mcunet_log_mel_layer* layer) {
  const int32_t half_log2 = layer->fft_log2 - 1;
  const int32_t half = 1 << half_log2;
  for (int32_t stage = 1; stage <= half_log2; ++stage) {
    const int32_t reach = 1 << (stage - 1);
    const int32_t twiddle_step = 2 << (layer->fft_log2 - stage);
    for (int32_t j = 0; j < reach; ++j) {
      const int16_t* twiddle = layer->twiddles + j * twiddle_step;
      for (int32_t i = j; i < half; i += 2 * reach) {
        bin* a = bins + i;
        bin* b = a + reach;
        int32_t re = b->value.re;
        int32_t im = b->value.im;
        if (j != 0) rotate(&re, &im, twiddle);
        b->value.re = a->value.re - re;
        b->value.im = a->value.im - im;
        a->value.re += re;
        a->value.im += im;
      }
    }
  }
}

static uint64_t power_of(int64_t re, int64_t im) {
  return (uint64_t)(re * re) + (uint64_t)(im * im);
}

// From the spectrum of the pairs to the power of the real spectrum's bins 0 to 2^fft_log2 / 2:
// X[k] = E + w^k O and X[half - k] = conj(E - w^k O), with E and O those of the even and the odd
// samples.
static void split_to_power(bin* bins, const struct mcunet_log_mel_layer* layer) {
  const int32_t half = 1 << (layer->fft_log2 - 1);
  const int64_t first_re = bins[0].value.re;
  const int64_t first_im = bins[0].value.im;
  bins[0].power = power_of(first_re + first_im, 0);
  bins[half].power = power_of(first_re - first_im, 0);
  for (int32_t k = 1; k <= half / 2; ++k) {
    bin* a = bins + k;
    bin* b = bins + half - k;
    const int64_t even_re = ((int64_t)a->value.re + b->value.re) >> 1;
    const int64_t even_im = ((int64_t)a->value.im - b->value.im) >> 1;
    int32_t odd_re = (int32_t)(((int64_t)a->value.im + b->value.im) >> 1);
    int32_t odd_im = (int32_t)(((int64_t)b->value.re - a->value.re) >> 1);
    rotate(&odd_re, &odd_im, layer->twiddles + 2 * k);
    const uint64_t upper = power_of(even_re - odd_re, even_im - odd_im);
    a->power = power_of(even_re + odd_re, even_im + odd_im);
    b->power = upper;
  }
}

// log2 of a number above 0, Q8: the fraction's bits come out one by one as the number is squared.
static int32_t log2_q8(uint64_t number) {
  const int32_t zeros = __builtin_clzll(number);
  number <<= zeros;
  uint32_t mantissa = (uint32_t)(number >> 32);  // Q31, in [1, 2)
  int32_t result = 63 - zeros;
  for (int32_t i = 0; i < 8; ++i) {
    const uint64_t square = (uint64_t)mantissa * mantissa;  // Q62
    const uint32_t is_two = (uint32_t)(square >> 63);
    result = result * 2 + (int32_t)is_two;
    mantissa = (uint32_t)(square >> (31 + is_two));
  }
  return result;
}

static int8_t level_of(uint64_t energy, const struct mcunet_log_mel_layer* layer) {
  const int64_t log2 = energy == 0 ? 0 : log2_q8(energy);
  int64_t level = ((log2 - layer->log2_zero) * layer->gain + (1 << 15)) >> 16;
  if (level < -128) level = -128;
  if (level > 127) level = 127;
  return (int8_t)level;
}

void mcunet_log_mel(const int16_t* samples, int8_t* output, union mcunet_log_mel_bin* scratch,
                    const struct mcunet_log_mel_layer* layer) {
  for (int32_t frame = 0; frame < layer->frames; ++frame) {
    load_frame(samples, frame, scratch, layer);
    transform(scratch, layer);
    split_to_power(scratch, layer);
    const uint16_t* weights = layer->band_weights;
    for (int32_t band = 0; band < layer->bands; ++band) {
      const struct mcunet_log_mel_band range = layer->band_ranges[band];
      uint64_t energy = 0;
      for (int32_t i = 0; i < range.count; ++i) {
        energy += (scratch[range.first + i].power >> kPowerShift) * *weights++;
      }
      output[band * layer->frames + frame] = level_of(energy, layer);
    }
  }
}
