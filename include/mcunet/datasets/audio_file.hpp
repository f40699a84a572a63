#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

namespace mcunet::datasets {

constexpr int kOwnSampleRate = 0;  // leaves the samples as they are in the file

// The samples of a sound file (WAV, FLAC, OGG), channels averaged, resampled to `sample_rate` in
// Hz. Nothing if the file is unreadable, corrupt or truncated, or holds no sample.
std::optional<std::vector<std::int16_t>> read_audio_file(const std::filesystem::path& file,
                                                         int sample_rate);

// `length` samples with the recording in their middle, but `shift` samples earlier; silence where
// it does not reach. This is how clips are cut for evaluation (with no shift) and training.
std::vector<std::int16_t> cut_clip(std::span<const std::int16_t> recording, std::int64_t length,
                                   std::int64_t shift = 0);

// Band-limited interpolation by a windowed sinc; the length is multiplied by to_rate / from_rate,
// rounded up.
std::vector<float> resample(std::span<const float> samples, int from_rate, int to_rate);

}  // namespace mcunet::datasets
