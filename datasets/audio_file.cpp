#include "mcunet/datasets/audio_file.hpp"

#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <numbers>
#include <numeric>

#include "file_bytes.hpp"

namespace mcunet::datasets {
namespace {

constexpr int kMaxChannels = 64;
constexpr int kMinRate = 1'000;  // Hz; beyond it a header is taken for damaged
constexpr int kMaxRate = 400'000;
// An hour and more at any usual rate. A file of a few kilobytes may promise gigabytes of silence.
constexpr sf_count_t kMaxFrames = sf_count_t{1} << 26;
constexpr int kZeroCrossings = 16;  // of the sinc, to each side

std::uint32_t little_endian(const std::uint8_t* bytes) {
  return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | std::uint32_t{bytes[3]} << 24;
}

// libsndfile reads what is there of a truncated WAV and calls it whole.
bool is_truncated_wav(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < 12 || std::memcmp(bytes.data(), "RIFF", 4) != 0) return false;
  std::size_t at = 12;
  while (at + 8 <= bytes.size()) {
    const std::uint32_t size = little_endian(bytes.data() + at + 4);
    const bool is_data = std::memcmp(bytes.data() + at, "data", 4) == 0;
    at += 8;
    // Programs that write to a pipe cannot know the size and leave a huge number.
    if (is_data) return size < 0x7FFF'0000 && size > bytes.size() - at;
    at += size + std::size_t{size & 1};
  }
  return true;
}

// A file in memory, as libsndfile reads it.
struct MemoryFile {
  std::span<const std::uint8_t> bytes;
  sf_count_t position = 0;

  static SF_VIRTUAL_IO functions() {
    return {[](void* user) { return sf_count_t(self(user).bytes.size()); },
            [](sf_count_t offset, int whence, void* user) {
              MemoryFile& file = self(user);
              const auto size = sf_count_t(file.bytes.size());
              const sf_count_t base = whence == SEEK_CUR   ? file.position
                                      : whence == SEEK_END ? size
                                                           : 0;
              file.position = std::clamp<sf_count_t>(base + offset, 0, size);
              return file.position;
            },
            [](void* to, sf_count_t count, void* user) {
              MemoryFile& file = self(user);
              count =
                  std::clamp<sf_count_t>(sf_count_t(file.bytes.size()) - file.position, 0, count);
              std::copy_n(file.bytes.data() + file.position, count, static_cast<char*>(to));
              file.position += count;
              return count;
            },
            [](const void*, sf_count_t, void*) { return sf_count_t{0}; },
            [](void* user) { return self(user).position; }};
  }

 private:
  static MemoryFile& self(void* user) { return *static_cast<MemoryFile*>(user); }
};

struct Sound {
  int sample_rate = 0;
  std::vector<float> samples;  // channels averaged
};

std::optional<Sound> decode(std::span<const std::uint8_t> bytes) {
  if (is_truncated_wav(bytes)) return std::nullopt;
  MemoryFile memory{bytes};
  SF_VIRTUAL_IO functions = MemoryFile::functions();
  SF_INFO info{};
  const std::unique_ptr<SNDFILE, int (*)(SNDFILE*)> file(
      sf_open_virtual(&functions, SFM_READ, &info, &memory), sf_close);
  if (!file || info.frames < 0 || info.frames > kMaxFrames || info.samplerate < kMinRate ||
      info.samplerate > kMaxRate || info.channels < 1 || info.channels > kMaxChannels) {
    return std::nullopt;
  }
  Sound sound{info.samplerate, {}};
  // In pieces: the header may promise more than the file holds.
  constexpr sf_count_t kPiece = 1 << 16;
  std::vector<float> piece(std::size_t(kPiece * info.channels));
  for (sf_count_t left = info.frames; left > 0;) {
    const sf_count_t count = sf_readf_float(file.get(), piece.data(), std::min(kPiece, left));
    if (count <= 0) return std::nullopt;
    for (sf_count_t i = 0; i < count; ++i) {
      const float* frame = piece.data() + i * info.channels;
      sound.samples.push_back(std::accumulate(frame, frame + info.channels, 0.0f) /
                              static_cast<float>(info.channels));
    }
    left -= count;
  }
  return sound;
}

double windowed_sinc(double x, double cutoff, double half_width) {
  if (std::abs(x) >= half_width) return 0;
  const double angle = std::numbers::pi * x;
  const double sinc = x == 0 ? cutoff : std::sin(angle * cutoff) / angle;
  return sinc * (0.5 + 0.5 * std::cos(angle / half_width));
}

}  // namespace

// Output n lies at n * from / to of the input; of these positions only to / gcd differ in their
// fraction, and the weights of each are computed once.
std::vector<float> resample(std::span<const float> samples, int from_rate, int to_rate) {
  if (from_rate == to_rate) return {samples.begin(), samples.end()};
  const std::int64_t divisor = std::gcd(from_rate, to_rate);
  const std::int64_t step = from_rate / divisor;
  const std::int64_t phases = to_rate / divisor;
  // A little below the limit, because the window's edge is not infinitely steep.
  const double cutoff = 0.95 * std::min(1.0, static_cast<double>(to_rate) / from_rate);
  const double half_width = kZeroCrossings / cutoff;
  const auto half = static_cast<std::int64_t>(std::ceil(half_width));
  const std::int64_t taps = 2 * half + 1;
  const auto input_size = static_cast<std::int64_t>(samples.size());
  const std::int64_t output_size = (input_size * phases + step - 1) / step;
  std::vector<float> output(static_cast<std::size_t>(output_size));
  std::vector<float> weights(static_cast<std::size_t>(taps));
  for (std::int64_t phase = 0; phase < std::min(phases, output_size); ++phase) {
    const double fraction =
        static_cast<double>(phase * step % phases) / static_cast<double>(phases);
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      weights[std::size_t(tap)] = static_cast<float>(
          windowed_sinc(static_cast<double>(tap - half) - fraction, cutoff, half_width));
    }
    for (std::int64_t n = phase; n < output_size; n += phases) {
      const std::int64_t first = n * step / phases - half;
      const std::int64_t begin = std::max<std::int64_t>(0, -first);
      const std::int64_t end = std::min(taps, input_size - first);
      float sum = 0;
      for (std::int64_t tap = begin; tap < end; ++tap) {
        sum += weights[std::size_t(tap)] * samples[std::size_t(first + tap)];
      }
      output[std::size_t(n)] = sum;
    }
  }
  return output;
}

std::vector<std::int16_t> cut_clip(std::span<const std::int16_t> recording, std::int64_t length,
                                   std::int64_t shift) {
  const auto size = static_cast<std::int64_t>(recording.size());
  const std::int64_t start = (size - length) / 2 + shift;  // in the recording
  std::vector<std::int16_t> clip(static_cast<std::size_t>(length));
  const std::int64_t begin = std::clamp<std::int64_t>(-start, 0, length);
  const std::int64_t end = std::clamp<std::int64_t>(size - start, begin, length);
  std::copy(recording.begin() + begin + start, recording.begin() + end + start,
            clip.begin() + begin);
  return clip;
}

std::optional<std::vector<std::int16_t>> read_audio_file(const std::filesystem::path& file,
                                                         int sample_rate) {
  thread_local std::vector<std::uint8_t> bytes;
  if (!read_file_bytes(file, bytes)) return std::nullopt;
  const auto sound = decode(bytes);
  if (!sound || sound->samples.empty()) return std::nullopt;
  std::vector<std::int16_t> result;
  const int rate = sample_rate == kOwnSampleRate ? sound->sample_rate : sample_rate;
  const double frames = static_cast<double>(sound->samples.size()) * rate / sound->sample_rate;
  if (frames > static_cast<double>(kMaxFrames)) return std::nullopt;
  const std::vector<float> samples = resample(sound->samples, sound->sample_rate, rate);
  result.reserve(samples.size());
  for (float sample : samples) {
    const float scaled = std::isfinite(sample) ? sample * 32768.0f : 0.0f;
    result.push_back(
        static_cast<std::int16_t>(std::clamp(std::nearbyint(scaled), -32768.0f, 32767.0f)));
  }
  return result;
}

}  // namespace mcunet::datasets
