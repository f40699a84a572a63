#include "series_dataset.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>

#include "mcunet/core/error.hpp"
#include "mcunet/datasets/preprocessing.hpp"

namespace mcunet::datasets {
namespace {

// Of the spread of a channel, on either side of its mean; beyond lies 1 of 16,000 values of a normal
// distribution.
constexpr double kRangeInDeviations = 4;

double symmetric(RandomStream& random) { return 2 * random.uniform() - 1; }

// A channel that never changes has the range 1.
std::vector<SeriesChannel> measure_channels(const SeriesRecordings& recordings) {
  const std::size_t channels = recordings.channels.size();
  std::vector<double> sums(channels);
  std::vector<double> squares(channels);
  double rows = 0;
  const auto for_each_value = [&](const auto& visit) {
    for (const LabelledRecording& item : recordings.splits[0]) {
      const std::vector<float>& values = item.recording.values;
      for (std::size_t i = 0; i < values.size(); ++i) {
        visit(i % channels, static_cast<double>(values[i]));
      }
    }
  };
  for_each_value([&](std::size_t c, double value) {
    sums[c] += value;
    rows += c == 0 ? 1 : 0;
  });
  for_each_value([&](std::size_t c, double value) {
    const double apart = value - sums[c] / rows;
    squares[c] += apart * apart;
  });
  std::vector<SeriesChannel> result;
  for (std::size_t c = 0; c < channels; ++c) {
    const double range = kRangeInDeviations * std::sqrt(squares[c] / rows);
    result.push_back({recordings.channels[c], sums[c] / rows, range > 0 ? range : 1});
  }
  return result;
}

// The mean of those that can be read: others count as many windows, for the share that is unreadable.
std::int64_t typical_rows(const std::vector<LabelledRecording>& items) {
  std::int64_t rows = 0;
  std::int64_t readable = 0;
  for (const LabelledRecording& item : items) {
    rows += item.recording.rows();
    readable += item.recording.rows() > 0 ? 1 : 0;
  }
  return rows / std::max<std::int64_t>(1, readable);
}

class SeriesDataset : public Dataset {
 public:
  SeriesDataset(const DatasetOptions& options, Split split, int resolution, bool augment)
      : data_(series_data(options)),
        recordings_(data_->recordings.splits[static_cast<std::size_t>(split)]),
        series_(std::get<SeriesPreprocessing>(preprocessing_of(options, resolution))),
        tables_(make_series_tables(series_)),
        options_(options.series),
        max_unreadable_share_(options.max_unreadable_share),
        augment_(augment) {
    const int window = series_.window;
    const int step = augment_ ? options_.step.value_or(std::max(1, window / 2)) : window;
    for (std::size_t i = 0; i < recordings_.size(); ++i) {
      const std::int64_t rows = recordings_[i].recording.rows();
      const std::vector<std::int64_t> starts =
          window_starts(rows > 0 ? rows : typical_rows(recordings_), window, step);
      for (const std::int64_t start : starts) windows_.push_back({i, start, starts.size() == 1});
    }
  }

  std::int64_t size() const override { return std::ssize(windows_); }
  const std::vector<std::string>& classes() const override { return data_->recordings.classes; }
  InputShape input_shape() const override {
    return {1, series_.samples, static_cast<int>(series_.channels.size())};
  }
  std::int32_t label(std::int64_t index) const override { return item_of(index).label; }
  std::string name(std::int64_t index) const override {
    const Window& window = windows_[static_cast<std::size_t>(index)];
    const LabelledRecording& item = item_of(index);
    if (window.is_only) return item.name;
    return fmt::format("{}, row {}", item.name, window.start);
  }
  double max_unreadable_share() const override { return max_unreadable_share_; }

  std::optional<Target> load(std::int64_t index, RandomStream& random,
                             std::span<float> output) const override {
    const Recording& recording = item_of(index).recording;
    if (recording.values.empty()) return std::nullopt;
    std::int64_t start = windows_[static_cast<std::size_t>(index)].start;
    if (augment_) {
      start += std::llround(options_.time_shift * series_.window * symmetric(random));
    }
    std::vector<float> values(static_cast<std::size_t>(series_.window) * series_.channels.size());
    cut_window(recording, start, values);
    if (augment_) distort(values, random);
    std::vector<std::int8_t> levels(output.size());
    compute_series(series_, tables_, values, levels);
    for (std::size_t i = 0; i < output.size(); ++i) {
      output[i] = static_cast<float>(levels[i]) / 128.0f;
    }
    return target(index);
  }

 private:
  struct Window {
    std::size_t recording;
    std::int64_t start;  // row
    bool is_only;        // of its recording
  };

  const LabelledRecording& item_of(std::int64_t index) const {
    return recordings_[windows_[static_cast<std::size_t>(index)].recording];
  }

  // All channels larger or smaller about their centres, and noise of their own.
  void distort(std::vector<float>& values, RandomStream& random) const {
    const double scale = 1 + options_.scale * symmetric(random);
    const std::size_t channels = series_.channels.size();
    for (std::size_t i = 0; i < values.size(); ++i) {
      const SeriesChannel& channel = series_.channels[i % channels];
      const double noise = options_.noise > 0 ? options_.noise * random.normal() : 0;
      const double apart = static_cast<double>(values[i]) - channel.centre;
      values[i] = static_cast<float>(channel.centre + scale * apart + noise * channel.range);
    }
  }

  std::shared_ptr<const SeriesData> data_;
  const std::vector<LabelledRecording>& recordings_;
  SeriesPreprocessing series_;
  SeriesTables tables_;
  SeriesOptions options_;
  double max_unreadable_share_;
  bool augment_;
  std::vector<Window> windows_;
};

}  // namespace

std::shared_ptr<const SeriesData> series_data(const DatasetOptions& options) {
  static std::mutex mutex;
  static std::string key_of_last;
  static std::shared_ptr<const SeriesData> last;
  DatasetOptions copy = options;
  const std::string key = to_json_text(write_fields(fields_of(copy)));
  if (!options.cache.empty()) {
    throw Error("dataset.cache: is for images and sounds; recordings are held in memory");
  }
  const std::lock_guard lock(mutex);
  if (last == nullptr || key != key_of_last) {
    auto data = std::make_shared<SeriesData>();
    data->recordings =
        needs_path(options.kind) ? recorded_series(options) : synthetic_series(options);
    data->channels = measure_channels(data->recordings);
    last = std::move(data);
    key_of_last = key;
  }
  return last;
}

std::unique_ptr<Dataset> make_series_dataset(const DatasetOptions& options, Split split,
                                             int resolution, bool augment) {
  return std::make_unique<SeriesDataset>(options, split, resolution, augment);
}

}  // namespace mcunet::datasets
