#include "mcunet/datasets/log_mel.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "core/error_text.hpp"
#include "mcunet/core/random.hpp"
#include "mcunet/datasets/audio_file.hpp"
#include "shared_data.hpp"

namespace mcunet::datasets {
namespace {

using std::numbers::pi;
using testing::HasSubstr;

// The definition in double precision, with a plain DFT: what each output byte is before rounding.
std::vector<double> reference(const LogMelParameters& p, const std::vector<std::int16_t>& samples) {
  const int fft = 1 << p.fft_log2;
  const double bin_hz = static_cast<double>(p.sample_rate) / fft;
  const auto mel = [](double hz) { return 2595 * std::log10(1 + hz / 700); };
  const auto hz = [](double m) { return 700 * (std::pow(10, m / 2595) - 1); };
  std::vector<double> output(static_cast<std::size_t>(p.bands * p.frames));
  std::vector<std::complex<double>> roots;
  for (int k = 0; k < fft; ++k) roots.push_back(std::polar(1.0, -2 * pi * k / fft));
  for (int frame = 0; frame < p.frames; ++frame) {
    const int start = static_cast<int>(std::floor((frame + 0.5) * p.samples / p.frames + 1e-9)) -
                      p.window_length / 2;
    std::vector<double> power;
    double window_sum = 0;
    for (int k = 0; k <= fft / 2; ++k) {
      std::complex<double> sum = 0;
      window_sum = 0;
      for (int n = 0; n < p.window_length; ++n) {
        const double window = std::pow(std::sin(pi * (n + 0.5) / p.window_length), 2);
        window_sum += window;
        const int at = start + n;
        if (at < 0 || at >= p.samples) continue;
        sum += window * samples[static_cast<std::size_t>(at)] *
               roots[static_cast<std::size_t>(k * n % fft)];
      }
      power.push_back(std::norm(sum));
    }
    for (int band = 0; band < p.bands; ++band) {
      const auto edge = [&](int i) {
        return hz(mel(p.low_hz) + (mel(p.high_hz) - mel(p.low_hz)) * i / (p.bands + 1));
      };
      const double centre = edge(band + 1);
      const double left = std::min(edge(band), centre - bin_hz);
      const double right = std::max(edge(band + 2), centre + bin_hz);
      double energy = 0;
      for (int k = 1; k <= fft / 2; ++k) {
        const double f = k * bin_hz;
        energy +=
            power[static_cast<std::size_t>(k)] *
            std::max(0.0, std::min((f - left) / (centre - left), (right - f) / (right - centre)));
      }
      const double full = std::pow(32768 * window_sum / 2, 2);
      const double db = 10 * std::log10(std::max(energy / full, 1e-30));
      output[static_cast<std::size_t>(band * p.frames + frame)] =
          std::clamp(-128 + 255 * (db - p.bottom_db) / (p.top_db - p.bottom_db), -128.0, 127.0);
    }
  }
  return output;
}

std::vector<std::int8_t> compute(const LogMelParameters& p,
                                 const std::vector<std::int16_t>& samples) {
  std::vector<std::int8_t> output(static_cast<std::size_t>(p.bands * p.frames));
  compute_log_mel(make_log_mel_tables(p), samples, output);
  return output;
}

// A voice-like sweep with harmonics, fading from loud to faint, in a little noise.
std::vector<std::int16_t> sweep(int samples, int rate, double amplitude) {
  RandomStream random(5);
  std::vector<std::int16_t> result;
  for (int n = 0; n < samples; ++n) {
    const double t = static_cast<double>(n) / rate;
    const double f = 200 + 300 * t;
    double value = 0;
    for (int h = 1; h <= 8; ++h) value += std::sin(2 * pi * f * h * t) / h;
    value *= 0.4 * amplitude * std::exp(-3 * t);
    value += amplitude / 300 * (random.uniform() - 0.5);
    result.push_back(static_cast<std::int16_t>(std::lround(std::clamp(value, -32768.0, 32767.0))));
  }
  return result;
}

// Steps of the output between the kernel and the definition.
double max_error(const LogMelParameters& p, const std::vector<std::int16_t>& samples) {
  const std::vector<std::int8_t> output = compute(p, samples);
  const std::vector<double> expected = reference(p, samples);
  double most = 0;
  for (std::size_t i = 0; i < output.size(); ++i) {
    most = std::max(most, std::abs(output[i] - expected[i]));
  }
  return most;
}

TEST(LogMel, EqualsItsDefinitionToThreeQuartersOfAStep) {
  // Half a step of it is the rounding of the output itself.
  for (const auto& [resolution, rate] :
       {std::pair(32, 16000), {48, 16000}, {64, 8000}, {96, 16000}, {16, 8000}}) {
    const LogMelParameters p = log_mel_parameters(resolution, rate, rate);
    EXPECT_LT(max_error(p, sweep(rate, rate, 30000)), 0.75) << resolution << " at " << rate;
    EXPECT_LT(max_error(p, sweep(rate, rate, 2000)), 0.75) << resolution << " at " << rate;
  }
}

TEST(LogMel, StaysCloseToItsDefinitionForFaintSounds) {
  const LogMelParameters p = log_mel_parameters(32, 16000, 16000);
  EXPECT_LT(max_error(p, sweep(16000, 16000, 30)), 1.0);
}

TEST(LogMel, TakesTheLoudestSounds) {
  LogMelParameters p = log_mel_parameters(16, 16000, 16000);
  ASSERT_EQ(p.fft_log2, 11);
  p.top_db = 40;
  p.low_hz = 0;
  std::vector<std::int16_t> square;
  std::vector<std::int16_t> constant(16000, -32768);
  for (int n = 0; n < 16000; ++n) square.push_back(n / 40 % 2 == 0 ? 32767 : -32768);
  EXPECT_LT(max_error(p, square), 0.7);
  EXPECT_LT(max_error(p, constant), 1.5);
}

TEST(LogMel, PutsASineOfFullScaleAtZeroDecibels) {
  LogMelParameters p = log_mel_parameters(32, 16000, 16000);
  p.bottom_db = -127.5;
  p.top_db = 127.5;
  const double bin_hz = 16000.0 / (1 << p.fft_log2);
  std::vector<std::int16_t> sine;
  for (int n = 0; n < 16000; ++n) {
    sine.push_back(
        static_cast<std::int16_t>(std::lround(32767 * std::sin(2 * pi * 64 * bin_hz * n / 16000))));
  }
  const std::vector<std::int8_t> output = compute(p, sine);
  int most = -128;
  for (int band = 0; band < p.bands; ++band)
    most = std::max<int>(most, output[static_cast<std::size_t>(band * p.frames + 16)]);
  EXPECT_NEAR(most, 0, 3);  // the band also sees the bins beside, but not with full weight
}

TEST(LogMel, HearsSilence) {
  const LogMelParameters p = log_mel_parameters(40, 8000, 8000);
  EXPECT_THAT(compute(p, std::vector<std::int16_t>(8000)), testing::Each(-128));
}

TEST(LogMel, HasNoEmptyBands) {
  for (int resolution : {16, 32, 64, 128, 224}) {
    for (int rate : {8000, 16000}) {
      const LogMelTables tables = make_log_mel_tables(log_mel_parameters(resolution, rate, rate));
      std::size_t at = 0;
      for (int band = 0; band < resolution; ++band) {
        const std::size_t first = tables.band_ranges[static_cast<std::size_t>(2 * band)];
        const std::size_t count = tables.band_ranges[static_cast<std::size_t>(2 * band + 1)];
        EXPECT_GE(count, 1u) << band << " of " << resolution << " at " << rate;
        EXPECT_LE(first + count, (std::size_t{1} << tables.parameters.fft_log2) / 2 + 1);
        unsigned sum = 0;
        for (std::size_t i = 0; i < count; ++i) sum += tables.band_weights[at++];
        EXPECT_GE(sum, 2048u) << band << " of " << resolution << " at " << rate;
      }
      EXPECT_EQ(at, tables.band_weights.size());
    }
  }
}

TEST(LogMel, SurvivesTheConfiguration) {
  LogMelParameters written = log_mel_parameters(48, 8000, 8000);
  LogMelParameters read;
  read_fields(write_fields(fields_of(written)), fields_of(read));
  EXPECT_EQ(read, written);
}

TEST(LogMel, RefusesWhatItCannotCompute) {
  EXPECT_THAT(error_of([] { log_mel_parameters(16, 48000, 48000); }),
              HasSubstr("need a window of"));
  LogMelParameters p;
  p.high_hz = 9000;
  EXPECT_THAT(error_of([&] { make_log_mel_tables(p); }), HasSubstr("half of the sample rate"));
  EXPECT_THAT(error_of([&] { compute(LogMelParameters{}, {1, 2}); }), HasSubstr("another length"));
}

TEST(LogMel, EqualsItsDefinitionOnSpeech) {
  MCUNET_REQUIRE_SHARED_DATA(data);
  const LogMelParameters p = log_mel_parameters(32, 16000, 16000);
  for (const char* name : {"yes", "stop", "marvin"}) {
    for (const auto& entry : std::filesystem::directory_iterator(data / "speech_v1_mini" / name)) {
      auto samples = read_audio_file(entry.path(), 16000);
      ASSERT_TRUE(samples);
      samples->resize(16000);
      EXPECT_LT(max_error(p, *samples), 1.0) << entry.path();
      break;
    }
  }
}

}  // namespace
}  // namespace mcunet::datasets
