#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mcunet/core/config.hpp"

// The log-mel spectrogram that audio networks take in. Training and firmware compute it with the
// same integer kernel (engine/kernels/log_mel.h), so they agree bit for bit. What the firmware
// needs beside the kernel are these parameters, or the tables made of them.
//
// An output byte q stands for the network's input q / 128: scale 1 / 128, zero point 0, exact.
namespace mcunet::datasets {

struct LogMelParameters {
  int sample_rate = 16'000;  // Hz
  int samples = 16'000;      // of a clip
  int bands = 64;            // rows of the output, low frequencies first
  int frames = 64;           // columns
  int window_length = 512;   // samples; Hann
  int fft_log2 = 9;          // the FFT has 2^fft_log2 points, at least the window's
  double low_hz = 20;        // where the lowest triangle begins
  double high_hz = 7600;     // where the highest ends
  double bottom_db = -95;    // what -128 stands for; 0 dB: a sine of full scale
  double top_db = -15;       // what 127 stands for

  bool operator==(const LogMelParameters&) const = default;
};

std::vector<Field> fields_of(LogMelParameters& parameters);

// Square, `resolution` bands by `resolution` frames. The window is 32 ms, or two frames' distance
// if that is longer; high_hz 95 % of the Nyquist frequency. Throws Error if no FFT of 2^5 to 2^11
// points holds the window.
LogMelParameters log_mel_parameters(int resolution, int sample_rate, int samples);

// The contents of struct mcunet_log_mel_layer.
struct LogMelTables {
  LogMelParameters parameters;
  std::vector<std::int16_t> window;         // Q15
  std::vector<std::int16_t> twiddles;       // Q15, cos and -sin
  std::vector<std::uint16_t> band_ranges;   // first bin and count of each band
  std::vector<std::uint16_t> band_weights;  // Q12
  std::int32_t log2_zero = 0;
  std::int32_t gain = 0;
};

// Triangles equally spaced on the mel scale (2595 log10(1 + f / 700)), each at least as wide as the
// distance of two bins to either side, so that none is empty where bands lie closer than bins.
LogMelTables make_log_mel_tables(const LogMelParameters& parameters);

// What the kernel works in, aligned to 8 bytes.
std::int64_t log_mel_scratch_bytes(const LogMelParameters& parameters);

// samples [parameters.samples] -> output [bands, frames].
void compute_log_mel(const LogMelTables& tables, std::span<const std::int16_t> samples,
                     std::span<std::int8_t> output);

}  // namespace mcunet::datasets
