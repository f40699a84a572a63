#include "audio_dataset.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>

#include "mcunet/datasets/audio_file.hpp"

namespace mcunet::datasets {
namespace {

std::int16_t to_int16(double value) {
  return static_cast<std::int16_t>(std::clamp(std::nearbyint(value), -32768.0, 32767.0));
}

double symmetric(RandomStream& random) { return 2 * random.uniform() - 1; }

class AudioDataset : public Dataset {
 public:
  AudioDataset(AudioSource source, const DatasetOptions& options, Split split, int resolution,
               bool augment)
      : source_(std::move(source)),
        options_(options.audio),
        max_unreadable_share_(options.max_unreadable_share),
        tables_(make_log_mel_tables(spectrogram_of(options, resolution))),
        seed_(options.seed),
        split_(split),
        augment_(augment) {
    if (augment && options_.background_share > 0 && source_.background.empty()) {
      spdlog::info("{}: has no _background_noise_; training mixes none in", options.path);
    }
  }

  std::int64_t size() const override { return static_cast<std::int64_t>(source_.labels.size()); }
  const std::vector<std::string>& classes() const override { return source_.classes; }
  InputShape input_shape() const override {
    return {tables_.parameters.bands, tables_.parameters.frames, 1};
  }
  std::int32_t label(std::int64_t index) const override {
    return source_.labels[static_cast<std::size_t>(index)];
  }
  Target target(std::int64_t index) const override {
    if (source_.values.empty()) return label(index);
    return source_.values[static_cast<std::size_t>(index)];
  }
  std::string name(std::int64_t index) const override { return source_.name(index); }
  double max_unreadable_share() const override { return max_unreadable_share_; }

  std::optional<Samples> sound(std::int64_t index) const override {
    RandomStream fixed(seed_, {static_cast<std::uint64_t>(split_), std::uint64_t(index)});
    const auto recording = source_.read(index, fixed);
    if (!recording) return std::nullopt;
    return cut(*recording, 0);
  }

  std::optional<Target> load(std::int64_t index, RandomStream& random,
                             std::span<float> output) const override {
    RandomStream fixed(seed_, {static_cast<std::uint64_t>(split_), std::uint64_t(index)});
    // Silence is another piece of noise each time, but not when it is there to measure.
    const auto recording = source_.read(index, augment_ ? random : fixed);
    if (!recording) return std::nullopt;
    Samples clip = cut(*recording, augment_ ? random_shift(random) : 0);
    if (augment_) distort(clip, random);
    std::vector<std::int8_t> levels(output.size());
    compute_log_mel(tables_, clip, levels);
    if (augment_ && options_.mask_share > 0) mask(levels, random);
    for (std::size_t i = 0; i < output.size(); ++i) {
      output[i] = static_cast<float>(levels[i]) / 128.0f;
    }
    return target(index);
  }

 private:
  std::int64_t random_shift(RandomStream& random) const {
    const double most = options_.time_shift_ms * options_.sample_rate / 1000;
    return static_cast<std::int64_t>(std::nearbyint(most * symmetric(random)));
  }

  Samples cut(const Samples& recording, std::int64_t shift) const {
    return cut_clip(recording, tables_.parameters.samples, shift);
  }

  void distort(Samples& clip, RandomStream& random) const {
    const double gain = std::pow(10, options_.gain_db * symmetric(random) / 20);
    const bool is_noisy = random.uniform() < options_.background_share;
    const double volume = options_.background_volume * random.uniform();
    const double place = random.uniform();
    const auto which = source_.background.empty()
                           ? 0
                           : random.index(static_cast<std::uint32_t>(source_.background.size()));
    if (!is_noisy || source_.background.empty()) {
      for (std::int16_t& sample : clip) sample = to_int16(gain * sample);
      return;
    }
    const Samples& noise = source_.background[which];
    const auto start = static_cast<std::size_t>(place * static_cast<double>(noise.size()));
    for (std::size_t i = 0; i < clip.size(); ++i) {
      clip[i] = to_int16(gain * clip[i] + volume * noise[(start + i) % noise.size()]);
    }
  }

  // A band of frequencies and a stretch of time become silent (SpecAugment, Park et al. 2019).
  void mask(std::vector<std::int8_t>& levels, RandomStream& random) const {
    const auto draw = [&](int size) {
      const int width = static_cast<int>(size * options_.mask_share * random.uniform());
      const int start = static_cast<int>((size - width) * random.uniform());
      return std::pair(start, start + width);
    };
    const int frames = tables_.parameters.frames;
    const auto [low, high] = draw(tables_.parameters.bands);
    const auto [from, to] = draw(frames);
    for (std::size_t i = 0; i < levels.size(); ++i) {
      const int band = static_cast<int>(i) / frames;
      const int frame = static_cast<int>(i) % frames;
      if ((band >= low && band < high) || (frame >= from && frame < to)) levels[i] = -128;
    }
  }

  AudioSource source_;
  AudioOptions options_;
  double max_unreadable_share_;
  LogMelTables tables_;
  std::uint64_t seed_;
  Split split_;
  bool augment_;
};

}  // namespace

std::unique_ptr<Dataset> make_audio_dataset(AudioSource source, const DatasetOptions& options,
                                            Split split, int resolution, bool augment) {
  return std::make_unique<AudioDataset>(std::move(source), options, split, resolution, augment);
}

}  // namespace mcunet::datasets
