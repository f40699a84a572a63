#ifndef MCUNET_LOG_MEL_H
#define MCUNET_LOG_MEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// The spectrogram that audio networks take in, in integer arithmetic only: training on a host and
// the firmware run this same code and see the same bytes.
//
// Each frame: window, real FFT, power, triangular bands, log2. Frame f has its middle at
// (f + 1/2) * samples / frames; what lies outside of the clip is silence.

#define MCUNET_LOG_MEL_MAX_FFT_LOG2 11

// One triangle: `count` weights from bin `first` on.
struct mcunet_log_mel_band {
  uint16_t first;
  uint16_t count;
};

struct mcunet_log_mel_layer {
  int32_t samples;        // of a clip, at most 2^20
  int32_t frames;         // columns of the output
  int32_t bands;          // rows of the output
  int32_t window_length;  // samples, at most the size of the FFT
  int32_t fft_log2;       // 5 to MCUNET_LOG_MEL_MAX_FFT_LOG2
  const int16_t* window;  // [window_length], Q15
  // [1 << fft_log2]: cos and -sin of 2 pi k / (1 << fft_log2) for k below half the size, Q15.
  const int16_t* twiddles;
  const struct mcunet_log_mel_band* band_ranges;  // [bands]
  const uint16_t* band_weights;                   // of all bands in order, Q12
  // output = ((log2 of the energy, Q8) - log2_zero) * gain / 2^16, rounded, within [-128, 127].
  int32_t log2_zero;
  int32_t gain;
};

union mcunet_log_mel_bin {
  struct {
    int32_t re;
    int32_t im;
  } value;
  uint64_t power;
};

// int16 samples [samples] -> int8 [bands, frames]. Scratch: (1 << fft_log2) / 2 + 1 bins.
void mcunet_log_mel(const int16_t* samples, int8_t* output, union mcunet_log_mel_bin* scratch,
                    const struct mcunet_log_mel_layer* layer);

#ifdef __cplusplus
}
#endif

#endif
