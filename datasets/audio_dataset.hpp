#pragma once

#include <functional>
#include <memory>

#include "file_list.hpp"

namespace mcunet::datasets {

using Samples = std::vector<std::int16_t>;

// Clips of any length, where they come from, and what noise is mixed into them.
struct AudioSource {
  std::vector<std::string> classes;
  std::vector<std::int32_t> labels;  // of the clips
  std::vector<float> values = {};    // likewise, if they are the targets
  std::function<std::string(std::int64_t index)> name;
  // Nothing if the clip cannot be read. Draws from `random` only what a recording would have fixed.
  std::function<std::optional<Samples>(std::int64_t index, RandomStream& random)> read;
  std::vector<Samples> background;
};

// Recordings in files, with the noises of ROOT/_background_noise_; an empty path is silence, made
// of these noises.
AudioSource recorded_audio(FileList list, const DatasetOptions& options);

// Chirps in noise: the class is the course of the pitch; onset, speed and loudness vary.
AudioSource synthetic_audio(const DatasetOptions& options, Split split);

// Clips of options.audio.clip_ms as spectrograms [resolution, resolution, 1]: an output byte q of
// the log-mel kernel becomes q / 128.
std::unique_ptr<Dataset> make_audio_dataset(AudioSource source, const DatasetOptions& options,
                                            Split split, int resolution, bool augment);

}  // namespace mcunet::datasets
