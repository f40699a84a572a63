#include "mcunet/datasets/open_dataset.hpp"

#include "audio_dataset.hpp"
#include "image_dataset.hpp"
#include "mcunet/core/error.hpp"
#include "synthetic_images.hpp"

namespace mcunet::datasets {

std::unique_ptr<Dataset> open_dataset(const DatasetOptions& options, Split split, int resolution,
                                      bool augment) {
  if (resolution < 1) throw Error("dataset: the resolution must be positive, is {}", resolution);
  const auto images = [&](FileList list) {
    return make_image_dataset(std::move(list), options, resolution, augment);
  };
  const auto audio = [&](AudioSource source) {
    return make_audio_dataset(std::move(source), options, split, resolution, augment);
  };
  switch (options.kind) {
    case DatasetKind::kFolder:
      return images(list_folder(options, split));
    case DatasetKind::kImagenet:
      return images(list_imagenet(options, split));
    case DatasetKind::kVww:
      return images(list_vww(options, split));
    case DatasetKind::kVoc:
      return images(list_voc(options, split));
    case DatasetKind::kSpeechCommands:
      return audio(recorded_audio(list_speech_commands(options, split), options));
    case DatasetKind::kSyntheticAudio:
      return audio(synthetic_audio(options, split));
    case DatasetKind::kSyntheticImages:
      return make_synthetic_images(options, split, resolution, augment);
  }
  throw Error("dataset.kind: has no known value");
}

}  // namespace mcunet::datasets
