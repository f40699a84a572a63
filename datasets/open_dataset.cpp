#include "mcunet/datasets/open_dataset.hpp"

#include "audio_dataset.hpp"
#include "image_dataset.hpp"
#include "mcunet/core/error.hpp"
#include "series_dataset.hpp"
#include "synthetic_images.hpp"

namespace mcunet::datasets {

std::unique_ptr<Dataset> open_dataset(const DatasetOptions& options, Split split, int resolution,
                                      bool augment) {
  if (resolution < 1) throw Error("dataset: the resolution must be positive, is {}", resolution);
  check_targets(options);
  const auto images = [&] {
    return make_image_dataset(list_split(options, split), options, resolution, augment);
  };
  const auto audio = [&](AudioSource source) {
    return make_audio_dataset(std::move(source), options, split, resolution, augment);
  };
  switch (options.kind) {
    case DatasetKind::kFolder:
    case DatasetKind::kImagenet:
    case DatasetKind::kVww:
    case DatasetKind::kVoc:
    case DatasetKind::kCoco:
    case DatasetKind::kYolo:
      return images();
    case DatasetKind::kSoundFolder:
    case DatasetKind::kSpeechCommands:
      return audio(recorded_audio(list_split(options, split), options));
    case DatasetKind::kSeries:
    case DatasetKind::kSyntheticSeries:
      return make_series_dataset(options, split, resolution, augment);
    case DatasetKind::kSyntheticAudio:
      return audio(synthetic_audio(options, split));
    case DatasetKind::kSyntheticImages:
      return options.targets == TargetKind::kBoxes
                 ? make_synthetic_objects(options, split, resolution, augment)
                 : make_synthetic_images(options, split, resolution, augment);
  }
  throw Error("dataset.kind: has no known value");
}

}  // namespace mcunet::datasets
