#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mcunet/core/config.hpp"
#include "mcunet/datasets/dataset.hpp"

namespace mcunet::datasets {

enum class DatasetKind {
  kImagenet,
  kFolder,
  kVww,
  kSpeechCommands,
  kVoc,
  kSyntheticImages,
  kSyntheticAudio,
};

// The training augmentation of photographs: random resized crop, flip, colour jitter.
struct ImageOptions {
  int channels = 3;              // RGB, or 1: gray
  double min_crop_scale = 0.08;  // of the image's area; 0.35 suits small data
  bool flip = true;              // left and right alike
  double brightness = 0.4;       // jitter by up to this share; 0: none
  double contrast = 0.4;
  double saturation = 0.4;
};

struct SyntheticOptions {
  std::int64_t examples = 2000;          // of kTrain
  std::int64_t held_out_examples = 500;  // of kSearch and of kTest
  int classes = 4;
};

struct DatasetOptions {
  DatasetKind kind = DatasetKind::kSyntheticImages;
  std::string path;
  std::uint64_t seed = 0;  // of the splits
  ImageOptions image;
  SyntheticOptions synthetic;
};

// The keys of the section `dataset` of an experiment.
std::vector<Field> fields_of(DatasetOptions& options);

// Opens one split at a resolution, with the training augmentation or without. Throws Error if the
// folder is not what the kind of dataset expects.
std::unique_ptr<Dataset> open_dataset(const DatasetOptions& options, Split split, int resolution,
                                      bool augment);

}  // namespace mcunet::datasets
