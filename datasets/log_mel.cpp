#include "mcunet/datasets/log_mel.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <numbers>

#include "kernels/log_mel.h"
#include "mcunet/core/error.hpp"

namespace mcunet::datasets {
namespace {

constexpr double kDbPerOctave = 3.0102999566398120;  // of energy
constexpr double kMinWindowSeconds = 0.032;

double mel_of(double hz) { return 2595 * std::log10(1 + hz / 700); }
double hz_of(double mel) { return 700 * (std::pow(10, mel / 2595) - 1); }

std::int16_t q15(double value) {
  return static_cast<std::int16_t>(std::clamp(std::round(value * 32768), -32768.0, 32767.0));
}

void require(bool condition, const char* what) {
  if (!condition) throw Error("log-mel spectrogram: {}", what);
}

void check(const LogMelParameters& p) {
  require(p.sample_rate > 0 && p.samples > 0 && p.samples <= 1 << 20,
          "a clip must have 1 to 1048576 samples");
  require(p.bands > 0 && p.frames > 0 && p.bands <= 1024 && p.frames <= 1024,
          "bands and frames must be 1 to 1024");
  require(p.fft_log2 >= 5 && p.fft_log2 <= MCUNET_LOG_MEL_MAX_FFT_LOG2,
          "the FFT must have 2^5 to 2^11 points");
  require(p.window_length > 0 && p.window_length <= 1 << p.fft_log2,
          "the window must not be longer than the FFT");
  require(0 <= p.low_hz && p.low_hz < p.high_hz && 2 * p.high_hz <= p.sample_rate,
          "low_hz must be below high_hz, and that not above half of the sample rate");
  require(p.bottom_db + 1 <= p.top_db, "bottom_db must be at least 1 below top_db");
}

void add_bands(LogMelTables& tables) {
  const LogMelParameters& p = tables.parameters;
  const double bin_hz = static_cast<double>(p.sample_rate) / (1 << p.fft_log2);
  const int last_bin = 1 << (p.fft_log2 - 1);
  const double low = mel_of(p.low_hz);
  const double step = (mel_of(p.high_hz) - low) / (p.bands + 1);
  for (int band = 0; band < p.bands; ++band) {
    const double centre = hz_of(low + (band + 1) * step);
    const double left = std::min(hz_of(low + band * step), centre - bin_hz);
    const double right = std::max(hz_of(low + (band + 2) * step), centre + bin_hz);
    std::uint16_t first = 0;
    std::uint16_t count = 0;
    // Bin 0 is the offset of the microphone.
    for (int bin = 1; bin <= last_bin; ++bin) {
      const double hz = bin * bin_hz;
      const double weight =
          hz <= centre ? (hz - left) / (centre - left) : (right - hz) / (right - centre);
      if (weight <= 0) continue;
      if (count == 0) first = static_cast<std::uint16_t>(bin);
      ++count;
      tables.band_weights.push_back(static_cast<std::uint16_t>(std::lround(weight * 4096)));
    }
    tables.band_ranges.push_back(first);
    tables.band_ranges.push_back(count);
  }
}

}  // namespace

std::vector<Field> fields_of(LogMelParameters& p) {
  return {field("sample_rate", p.sample_rate, between(1000, 192'000)),
          field("samples", p.samples, between(1, 1 << 20)),
          field("bands", p.bands, between(1, 1024)),
          field("frames", p.frames, between(1, 1024)),
          field("window_length", p.window_length, between(1, 1 << MCUNET_LOG_MEL_MAX_FFT_LOG2)),
          field("fft_log2", p.fft_log2, between(5, MCUNET_LOG_MEL_MAX_FFT_LOG2)),
          field("low_hz", p.low_hz, at_least(0)),
          field("high_hz", p.high_hz, positive()),
          field("bottom_db", p.bottom_db),
          field("top_db", p.top_db)};
}

LogMelParameters log_mel_parameters(int resolution, int sample_rate, int samples) {
  LogMelParameters p;
  p.sample_rate = sample_rate;
  p.samples = samples;
  p.bands = resolution;
  p.frames = resolution;
  p.window_length = std::max(static_cast<int>(std::lround(kMinWindowSeconds * sample_rate)),
                             (2 * samples + resolution - 1) / resolution);
  p.fft_log2 = std::max(5, static_cast<int>(std::bit_width(unsigned(p.window_length) - 1)));
  p.high_hz = 0.475 * sample_rate;
  if (p.fft_log2 > MCUNET_LOG_MEL_MAX_FFT_LOG2) {
    throw Error(
        "{} samples in {} frames need a window of {}, more than the FFT's {} points: "
        "choose a higher resolution or a lower sample rate",
        samples, resolution, p.window_length, 1 << MCUNET_LOG_MEL_MAX_FFT_LOG2);
  }
  check(p);
  return p;
}

LogMelTables make_log_mel_tables(const LogMelParameters& parameters) {
  using std::numbers::pi;
  check(parameters);
  LogMelTables tables{parameters};
  const int length = parameters.window_length;
  double window_sum = 0;
  for (int n = 0; n < length; ++n) {
    const double value = 0.5 - 0.5 * std::cos(2 * pi * (n + 0.5) / length);
    window_sum += value;
    tables.window.push_back(q15(value));
  }
  const int fft = 1 << parameters.fft_log2;
  for (int k = 0; k < fft / 2; ++k) {
    tables.twiddles.push_back(q15(std::cos(2 * pi * k / fft)));
    tables.twiddles.push_back(q15(-std::sin(2 * pi * k / fft)));
  }
  add_bands(tables);
  // A sine of full scale: its bin has 2^20 window_sum / 2; the kernel divides the power by 2^11 and
  // weights have 12 bits.
  const double full_scale = 2 * (19 + std::log2(window_sum)) - 11 + 12;
  const double db_per_step = (parameters.top_db - parameters.bottom_db) / 255;
  const double zero_db = parameters.bottom_db + 128 * db_per_step;
  tables.log2_zero =
      static_cast<std::int32_t>(std::lround(256 * (full_scale + zero_db / kDbPerOctave)));
  tables.gain = static_cast<std::int32_t>(std::lround(65536 * kDbPerOctave / 256 / db_per_step));
  return tables;
}

std::int64_t log_mel_scratch_bytes(const LogMelParameters& parameters) {
  const std::size_t bins = (std::size_t{1} << parameters.fft_log2) / 2 + 1;
  return static_cast<std::int64_t>(bins * sizeof(mcunet_log_mel_bin));
}

void compute_log_mel(const LogMelTables& tables, std::span<const std::int16_t> samples,
                     std::span<std::int8_t> output) {
  const LogMelParameters& p = tables.parameters;
  require(samples.size() == static_cast<std::size_t>(p.samples), "a clip of another length");
  require(output.size() == static_cast<std::size_t>(p.bands) * static_cast<std::size_t>(p.frames),
          "an output of another size");
  static_assert(sizeof(mcunet_log_mel_band) == 2 * sizeof(std::uint16_t));
  thread_local std::vector<mcunet_log_mel_band> ranges;
  ranges.resize(static_cast<std::size_t>(p.bands));
  std::memcpy(ranges.data(), tables.band_ranges.data(), ranges.size() * sizeof(ranges[0]));
  thread_local std::vector<mcunet_log_mel_bin> scratch;
  scratch.resize(static_cast<std::size_t>(log_mel_scratch_bytes(p)) / sizeof(scratch[0]));
  const mcunet_log_mel_layer layer{.samples = p.samples,
                                   .frames = p.frames,
                                   .bands = p.bands,
                                   .window_length = p.window_length,
                                   .fft_log2 = p.fft_log2,
                                   .window = tables.window.data(),
                                   .twiddles = tables.twiddles.data(),
                                   .band_ranges = ranges.data(),
                                   .band_weights = tables.band_weights.data(),
                                   .log2_zero = tables.log2_zero,
                                   .gain = tables.gain};
  mcunet_log_mel(samples.data(), output.data(), scratch.data(), &layer);
}

}  // namespace mcunet::datasets
