#include "mcunet/datasets/series.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/series.h"
#include "mcunet/core/error.hpp"
#include "mcunet/core/names.hpp"

namespace mcunet::datasets {
namespace {

constexpr double kMostRows = 1 << 20;

std::vector<Field> fields_of_channel(SeriesChannel& channel) {
  return {required(field("name", channel.name)), required(field("centre", channel.centre)),
          required(field("range", channel.range, positive()))};
}

}  // namespace

std::vector<Field> fields_of(SeriesPreprocessing& series) {
  return {required(field("window", series.window, between(1, kMostRows))),
          required(field("samples", series.samples, between(1, kMostRows))),
          field("sample_rate", series.sample_rate, positive()),
          required(section_list("channels", series.channels, fields_of_channel))};
}

void check_series(const SeriesPreprocessing& series) {
  if (series.channels.empty()) throw Error("a series has no channels");
  if (series.window % series.samples != 0) {
    throw Error(
        "dataset.series.window: is {}, no multiple of the resolution {}; a sample of the input is "
        "the mean of a whole number of rows",
        series.window, series.samples);
  }
  const SeriesTables tables = make_series_tables(series);
  for (std::size_t c = 0; c < series.channels.size(); ++c) {
    if (std::isfinite(tables.zeros[c]) && std::isnormal(tables.steps[c])) continue;
    throw Error("channel {} of the series: 32-bit floats cannot hold its mean {:g} and range {:g}",
                escaped(series.channels[c].name), series.channels[c].centre,
                series.channels[c].range);
  }
}

SeriesTables make_series_tables(const SeriesPreprocessing& series) {
  SeriesTables tables;
  for (const SeriesChannel& channel : series.channels) {
    tables.zeros.push_back(static_cast<float>(series.averaged() * channel.centre));
    tables.steps.push_back(static_cast<float>(series.averaged() * channel.range / 128));
  }
  return tables;
}

void compute_series(const SeriesPreprocessing& series, const SeriesTables& tables,
                    std::span<const float> values, std::span<std::int8_t> input) {
  const mcunet_series_layer layer{.samples = series.samples,
                                  .channels = static_cast<std::int32_t>(series.channels.size()),
                                  .averaged = series.averaged(),
                                  .zeros = tables.zeros.data(),
                                  .steps = tables.steps.data()};
  mcunet_series_to_input(values.data(), input.data(), &layer);
}

std::vector<std::int64_t> window_starts(std::int64_t rows, int window, int step) {
  std::vector<std::int64_t> starts = {0};
  while (starts.back() + step + window <= rows) starts.push_back(starts.back() + step);
  return starts;
}

void cut_window(const Recording& recording, std::int64_t start, std::span<float> values) {
  const auto channels = static_cast<std::int64_t>(recording.channels.size());
  const std::int64_t last = recording.rows() - 1;
  for (std::int64_t i = 0; i * channels < std::ssize(values); ++i) {
    const std::int64_t row = std::clamp<std::int64_t>(start + i, 0, last);
    std::copy_n(recording.values.begin() + row * channels, channels, values.begin() + i * channels);
  }
}

}  // namespace mcunet::datasets
