#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mcunet/core/config.hpp"
#include "mcunet/datasets/dataset.hpp"
#include "mcunet/datasets/preprocessing.hpp"

// The datasets that there are, and the section `dataset` of an experiment.
namespace mcunet::datasets {

enum class DatasetKind {
  kFolder,          // images of the user's own: class folders, a table, or names of a pattern
  kSoundFolder,     // sounds, likewise
  kImagenet,        // ILSVRC 2012
  kVww,             // Visual Wake Words, out of COCO
  kVoc,             // Pascal VOC's layout; the label is the class of the largest object
  kCoco,            // COCO's layout; likewise
  kYolo,            // a text file of boxes for each image, as YOLO reads them; likewise
  kSpeechCommands,  // Google's, version 1 or 2, or anything in its layout
  kSeries,          // recordings of sensors: class folders, a table, or names of a pattern
  kSyntheticImages,
  kSyntheticAudio,
  kSyntheticSeries,
};

// What is told of an example, and with it what a network learns.
enum class TargetKind {
  kClasses,
  kBoxes,   // objects on an image: a detector
  kValues,  // a number: a regression
};

// What the examples are.
enum class Medium { kImage, kSound, kSeries };

// How photographs are seen, and the training augmentation: random resized crop, flip, colour jitter.
// Where objects are looked for, the crop is the image with each of its borders moved.
struct ImageOptions {
  int channels = 3;  // RGB, or 1: gray
  std::optional<ImageFit>
      evaluation;  // absent: kCrop to tell classes, but of Visual Wake Words; else kStretch
  std::optional<int> bits;       // see ImagePreprocessing
  double min_crop_scale = 0.08;  // of the image's area; 0.35 suits small data
  double box_jitter = 0.2;       // borders move in or out by up to this share of the side
  bool flip = true;              // left and right are alike
  double brightness = 0.4;       // jitter by up to this share; 0: none
  double contrast = 0.4;
  double saturation = 0.4;
};

// Which words are classes. The others become `unknown` where there is such a class.
enum class SpeechTask {
  kAllWords,
  kTenWords,       // yes, no, up, down, left, right, on, off, stop, go
  kTwelveClasses,  // those, silence and unknown
};

struct AudioOptions {
  int sample_rate = 16'000;  // Hz; files of another rate are resampled
  int clip_ms = 1000;
  SpeechTask task = SpeechTask::kAllWords;
  double silence_share = 0.1;  // examples of `silence` and of `unknown`, of the words' examples
  double unknown_share = 0.1;
  // Augmentation.
  double time_shift_ms = 100;      // by up to this much, to either side
  double gain_db = 3;              // louder or fainter, by up to this much
  double background_share = 0.8;   // of the examples get background noise
  double background_volume = 0.1;  // at most, of the noise as recorded
  double mask_share = 0;           // of the bands, and of the frames: widest mask; 0: no masks
};

struct SeriesOptions {
  int window = 128;         // rows of a recording that make an example
  std::optional<int> step;  // from one window of training to the next; absent: half of one
  std::optional<double> sample_rate;  // rows a second; only told, in what is exported
  std::vector<std::string> channels;  // columns of the files; empty: see read_recording
  // Augmentation.
  double time_shift = 0.1;  // by up to this share of the window, to either side
  double scale = 0.1;       // larger or smaller, by up to this share
  double noise = 0.01;      // deviation, of a channel's range
};

struct SyntheticOptions {
  std::int64_t examples = 2000;          // of kTrain
  std::int64_t held_out_examples = 500;  // of kSearch and of kTest
  int classes = 4;
  double difficulty =
      0;  // of images: 0 is learnt in a minute by any network, 1 by none to the full
};

// Columns of a table, by their headings; empty: found by usual names.
struct TableColumns {
  std::string file;
  std::string label;
  std::string split;
};

struct DatasetOptions {
  DatasetKind kind = DatasetKind::kSyntheticImages;
  TargetKind targets = TargetKind::kClasses;
  std::string path;
  // Where they are not in their usual place below `path`. Of a folder: a table of files and labels.
  std::string annotations;
  TableColumns columns;
  std::string pattern;     // of the names of files, "{label}_{speaker}_#.wav": see file_pattern.hpp
  std::uint64_t seed = 0;  // of the splits and of synthetic data
  // Examples held out of the training data for the search. Absent: 10,000 of ImageNet, 5,000 of
  // Visual Wake Words, the validation list of Speech Commands, a tenth elsewhere.
  std::optional<std::int64_t> search_split;
  double test_share = 0.2;  // of a folder that has no test folder of its own
  double max_unreadable_share = 0.01;
  std::string cache;  // a folder for decoded examples; empty: none
  ImageOptions image;
  AudioOptions audio;
  SeriesOptions series;
  SyntheticOptions synthetic;
};

// The keys of the section `dataset` of an experiment.
std::vector<Field> fields_of(DatasetOptions& options);

Medium medium_of(DatasetKind kind);

// Whether it lies in files; synthetic data does not.
bool needs_path(DatasetKind kind);

// Of the network's input: 1 for spectrograms. Reads the recordings of a series whose options do not
// name its channels. Throws Error as open_dataset does.
int input_channels(const DatasetOptions& options);

// In the order of their labels, without looking at the examples. Throws Error as open_dataset does.
std::vector<std::string> class_names(const DatasetOptions& options);

// What turns clips into network inputs. Throws Error if it is no audio dataset.
LogMelParameters spectrogram_of(const DatasetOptions& options, int resolution);

// What turns files into network inputs. Throws Error if there are none of that resolution.
Preprocessing preprocessing_of(const DatasetOptions& options, int resolution);

// Opens one split at a resolution, with the training augmentation or without. Throws Error if the
// folder is not what the kind of dataset expects.
std::unique_ptr<Dataset> open_dataset(const DatasetOptions& options, Split split, int resolution,
                                      bool augment);

}  // namespace mcunet::datasets
