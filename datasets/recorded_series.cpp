#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>

#include "file_list.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/names.hpp"
#include "series_dataset.hpp"

namespace mcunet::datasets {
namespace {

// The first thing that was wrong with a file, and with how many.
struct Faults {
  std::string first;
  std::int64_t files = 0;

  void add(const std::string& message) {
    if (files++ == 0) first = message;
  }
};

Recording read(const std::string& file, const std::vector<std::string>& channels, Faults& faults) {
  try {
    return read_recording(file, channels);
  } catch (const Error& error) {
    faults.add(error.what());
    return {};
  }
}

// The columns that most of the training files have.
std::vector<std::string> usual_channels(const std::vector<LabelledRecording>& items) {
  std::map<std::vector<std::string>, std::int64_t> counts;
  for (const LabelledRecording& item : items) {
    if (item.recording.rows() > 0) ++counts[item.recording.channels];
  }
  const auto most =
      std::max_element(counts.begin(), counts.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == counts.end() ? std::vector<std::string>{} : most->first;
}

}  // namespace

SeriesRecordings recorded_series(const DatasetOptions& options) {
  const DatasetFiles files = files_of(options);
  SeriesRecordings result;
  result.classes = files.classes;
  Faults faults;
  for (std::size_t s = 0; s < result.splits.size(); ++s) {
    for (const LabelledFile& file : files.splits[s]) {
      result.splits[s].push_back(
          {escaped(file.path), file.label, read(file.path, options.series.channels, faults)});
    }
  }
  result.channels = usual_channels(result.splits[0]);
  if (result.channels.empty()) {
    throw Error("dataset: no training file can be read; the first: {}", faults.first);
  }
  for (std::size_t s = 0; s < result.splits.size(); ++s) {
    for (std::size_t i = 0; i < result.splits[s].size(); ++i) {
      Recording& recording = result.splits[s][i].recording;
      if (recording.rows() == 0) continue;
      if (recording.channels != result.channels) {
        recording = read(files.splits[s][i].path, result.channels, faults);
      } else if (result.left_out.empty()) {
        result.left_out = recording.left_out;
      }
    }
  }
  if (faults.files > 0) {
    spdlog::warn("{} recordings cannot be read; the first: {}", faults.files,
                 escaped(faults.first));
  }
  return result;
}

}  // namespace mcunet::datasets
