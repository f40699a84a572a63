#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mcunet/core/config.hpp"

// Series: what sensors measured, a row of values for each moment, evenly apart. Networks take in
// windows of them. Training and firmware compute the input with the same kernel
// (engine/kernels/series.h), so they agree bit for bit.
//
// An input byte q stands for the network's input q / 128: scale 1 / 128, zero point 0, exact.
namespace mcunet::datasets {

struct SeriesChannel {
  std::string name;   // of the column in files; its number where columns have no names
  double centre = 0;  // what input 0 stands for, in the unit of the files
  double range = 1;   // centre + range is input 1, centre - range is input -1

  bool operator==(const SeriesChannel&) const = default;
};

struct SeriesPreprocessing {
  int window = 128;                   // rows of a recording
  int samples = 128;                  // of the input; each is the mean of averaged() rows
  std::optional<double> sample_rate;  // rows a second, where it is told
  std::vector<SeriesChannel> channels;

  int averaged() const { return window / samples; }
  bool operator==(const SeriesPreprocessing&) const = default;
};

std::vector<Field> fields_of(SeriesPreprocessing& series);

// Throws Error unless the samples divide the window, there are channels, and 32-bit floats hold what
// the kernel computes with.
void check_series(const SeriesPreprocessing& series);

// The contents of struct mcunet_series_layer.
struct SeriesTables {
  std::vector<float> zeros;  // by channel
  std::vector<float> steps;
};

SeriesTables make_series_tables(const SeriesPreprocessing& series);

// values [window, channels] -> input [samples, channels].
void compute_series(const SeriesPreprocessing& series, const SeriesTables& tables,
                    std::span<const float> values, std::span<std::int8_t> input);

// Without channels it has no rows.
struct Recording {
  std::vector<std::string> channels;
  std::vector<std::string> left_out;  // other columns
  std::vector<float> values;          // [rows, channels]

  std::int64_t rows() const {
    return channels.empty() ? 0 : static_cast<std::int64_t>(values.size() / channels.size());
  }
};

constexpr std::size_t kMostChannels = 64;

// A table (.csv, .tsv: with a line of names or without), or an array (.npy: [rows, channels], or
// [rows] of one channel). Of the columns those that are named, in that order; without names all but
// clocks, labels and numbers of persons or trials, by their headings. At most kMostChannels. Throws
// Error with the file, and the line.
Recording read_recording(const std::filesystem::path& file, std::span<const std::string> channels);

// Where windows begin in so many rows, `step` rows apart: as many as fit, but one at least. In
// evaluations one begins where the last one ends.
std::vector<std::int64_t> window_starts(std::int64_t rows, int window, int step);

// values [window, channels] from a row on; where the recording does not reach, its first or its last
// row again.
void cut_window(const Recording& recording, std::int64_t start, std::span<float> values);

}  // namespace mcunet::datasets
