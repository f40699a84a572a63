#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "audio_dataset.hpp"

namespace mcunet::datasets {
namespace {

constexpr double kLowHz = 300;
constexpr double kHighHz = 2400;
constexpr double kSeconds = 0.5;

// Class 2 k rises from the k-th pitch by an octave, class 2 k + 1 falls by as much.
Samples make_chirp(std::int32_t label, int classes, const AudioOptions& options,
                   RandomStream& random) {
  const int pitches = (classes + 1) / 2;
  const int step = label / 2;
  const double pitch = kLowHz * std::pow(kHighHz / kLowHz, (step + 0.2 * random.uniform()) /
                                                               static_cast<double>(pitches));
  const double octaves = label % 2 == 0 ? 1 : -1;
  const double seconds = kSeconds * (0.7 + 0.3 * random.uniform());
  const double amplitude = 1500 * std::pow(8, random.uniform());
  const auto length = static_cast<std::size_t>(seconds * options.sample_rate);
  double phase = 2 * std::numbers::pi * random.uniform();
  Samples samples(length);
  for (std::size_t i = 0; i < length; ++i) {
    const double t = static_cast<double>(i) / static_cast<double>(length);
    const double hz = pitch * std::pow(2, octaves * (t - 0.5));
    phase += 2 * std::numbers::pi * hz / options.sample_rate;
    const double envelope = std::sin(std::numbers::pi * t);
    const double noise = 0.1 * amplitude * (2 * random.uniform() - 1);
    samples[i] = static_cast<std::int16_t>(amplitude * envelope * std::sin(phase) + noise);
  }
  return samples;
}

}  // namespace

AudioSource synthetic_audio(const DatasetOptions& options, Split split) {
  AudioSource source;
  const int classes = options.synthetic.classes;
  const std::int64_t size =
      split == Split::kTrain ? options.synthetic.examples : options.synthetic.held_out_examples;
  for (int i = 0; i < classes; ++i) source.classes.push_back(fmt::format("chirp_{}", i));
  for (std::int64_t i = 0; i < size; ++i) {
    source.labels.push_back(static_cast<std::int32_t>(i % classes));
  }
  source.name = [](std::int64_t index) { return fmt::format("synthetic sound {}", index); };
  source.read = [classes, split, audio = options.audio, seed = options.seed](
                    std::int64_t index, RandomStream&) -> std::optional<Samples> {
    RandomStream content(seed, {static_cast<std::uint64_t>(split), std::uint64_t(index)});
    return make_chirp(static_cast<std::int32_t>(index % classes), classes, audio, content);
  };
  // Noise for the augmentation, one second of it.
  Samples noise(static_cast<std::size_t>(options.audio.sample_rate));
  RandomStream random(options.seed, {17});
  for (std::int16_t& sample : noise) {
    sample = static_cast<std::int16_t>(4000 * (2 * random.uniform() - 1));
  }
  source.background.push_back(std::move(noise));
  return source;
}

}  // namespace mcunet::datasets
