#include <fmt/format.h>

#include <cstring>

#include "audio_dataset.hpp"
#include "class_folders.hpp"
#include "decoded_cache.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/names.hpp"
#include "mcunet/datasets/audio_file.hpp"

namespace mcunet::datasets {
namespace fs = std::filesystem;
namespace {

std::vector<Samples> read_background(const DatasetOptions& options) {
  std::vector<Samples> noises;
  const fs::path folder = fs::path(options.path) / "_background_noise_";
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) return noises;
  for (const fs::path& file : files_in(folder, sound_extensions())) {
    auto samples = read_audio_file(file, options.audio.sample_rate);
    if (!samples) throw Error("{}: cannot be read", file.string());
    noises.push_back(std::move(*samples));
  }
  return noises;
}

std::optional<Samples> read_recording(const std::string& path, int sample_rate,
                                      const DecodedCache& cache) {
  const std::string key = fmt::format("audio 1, {} Hz", sample_rate);
  if (const auto array = cache.read(path, key); array && array->element_bytes == 2) {
    Samples samples(array->bytes.size() / 2);
    std::memcpy(samples.data(), array->bytes.data(), array->bytes.size());
    return samples;
  }
  std::optional<Samples> samples = read_audio_file(path, sample_rate);
  if (samples && cache.is_on()) {
    CachedArray array{1, static_cast<std::int32_t>(samples->size()), 2, {}};
    array.bytes.resize(samples->size() * 2);
    std::memcpy(array.bytes.data(), samples->data(), array.bytes.size());
    cache.write(path, key, array);
  }
  return samples;
}

// A second of background noise at a volume between nothing and as recorded.
Samples make_silence(const std::vector<Samples>& background, const AudioOptions& options,
                     RandomStream& random) {
  Samples samples(static_cast<std::size_t>(options.sample_rate) *
                  static_cast<std::size_t>(options.clip_ms) / 1000);
  const Samples& noise = background[random.index(static_cast<std::uint32_t>(background.size()))];
  const auto start = static_cast<std::size_t>(random.uniform() * static_cast<double>(noise.size()));
  const double volume = random.uniform();
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<std::int16_t>(volume * noise[(start + i) % noise.size()]);
  }
  return samples;
}

}  // namespace

AudioSource recorded_audio(FileList list, const DatasetOptions& options) {
  AudioSource source;
  source.classes = std::move(list.classes);
  bool has_silence = false;
  auto paths = std::make_shared<std::vector<std::string>>();
  for (LabelledFile& file : list.files) {
    has_silence = has_silence || file.path.empty();
    source.labels.push_back(file.label);
    if (options.targets == TargetKind::kValues) source.values.push_back(file.value);
    paths->push_back(std::move(file.path));
  }
  source.background = read_background(options);
  if (source.background.empty() && has_silence) {
    fail(options, "has no _background_noise_, of which silence is made");
  }
  source.name = [paths](std::int64_t index) {
    const std::string& path = (*paths)[static_cast<std::size_t>(index)];
    return path.empty() ? fmt::format("silence {}", index) : escaped(path);
  };
  source.read = [paths, audio = options.audio, cache = DecodedCache(options.cache),
                 background = source.background](std::int64_t index,
                                                 RandomStream& random) -> std::optional<Samples> {
    const std::string& path = (*paths)[static_cast<std::size_t>(index)];
    if (path.empty()) return make_silence(background, audio, random);
    return read_recording(path, audio.sample_rate, cache);
  };
  return source;
}

}  // namespace mcunet::datasets
