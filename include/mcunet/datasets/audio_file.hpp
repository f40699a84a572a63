#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

namespace mcunet::datasets {

constexpr int kOwnSampleRate = 0;  // leaves the samples as they are in the file

// The samples of a sound file (WAV, FLAC, OGG), channels averaged, resampled to `sample_rate` in
// Hz. Nothing if the file is unreadable, corrupt or truncated.
std::optional<std::vector<std::int16_t>> read_audio_file(const std::filesystem::path& file,
                                                         int sample_rate);

// Band-limited interpolation by a windowed sinc; the length is multiplied by to_rate / from_rate,
// rounded up.
std::vector<float> resample(std::span<const float> samples, int from_rate, int to_rate);

}  // namespace mcunet::datasets
