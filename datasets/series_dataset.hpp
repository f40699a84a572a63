#pragma once

#include <array>
#include <memory>

#include "mcunet/datasets/open_dataset.hpp"
#include "mcunet/datasets/series.hpp"

namespace mcunet::datasets {

struct LabelledRecording {
  std::string name;
  std::int32_t label = 0;
  Recording recording;  // without values: unreadable
};

// All recordings of a dataset, in memory.
struct SeriesRecordings {
  std::vector<std::string> classes;
  std::vector<std::string> channels;
  std::vector<std::string> left_out;                     // columns that are none
  std::array<std::vector<LabelledRecording>, 3> splits;  // by Split
};

// The files of a dataset, of their columns those that most of the training files have; a file that lacks
// one cannot be read.
// Throws Error if there is none that can be read.
SeriesRecordings recorded_series(const DatasetOptions& options);

// Motions as an accelerometer feels them: the class is what swings, and how fast.
SeriesRecordings synthetic_series(const DatasetOptions& options);

constexpr int kSyntheticSeriesChannels = 3;

// Either, and how it becomes the input of a network. What was read last is kept: a job asks for the
// same data again and again.
struct SeriesData {
  SeriesRecordings recordings;
  std::vector<SeriesChannel> channels;  // by the mean and the spread of the training data
};
std::shared_ptr<const SeriesData> series_data(const DatasetOptions& options);

// Windows of options.series.window rows as [1, resolution, channels].
std::unique_ptr<Dataset> make_series_dataset(const DatasetOptions& options, Split split,
                                             int resolution, bool augment);

}  // namespace mcunet::datasets
