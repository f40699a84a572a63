#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <numeric>

#include "csv_table.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"
#include "mcunet/core/names.hpp"
#include "mcunet/core/npy.hpp"
#include "mcunet/datasets/media_files.hpp"
#include "mcunet/datasets/series.hpp"

namespace mcunet::datasets {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kMostBytes = std::int64_t{1} << 30;

// Headings of columns that are no measurements, by their letters.
constexpr const char* kOtherColumns[] = {
    "",         "index",          "unnamed",     "row",        "sample", "id",        "time",
    "times",    "timems",         "timeus",      "timens",     "t",      "ts",        "date",
    "datetime", "clock",          "ms",          "us",         "ns",     "seconds",   "sec",
    "millis",   "timestamp",      "elapsed",     "label",      "class",  "target",    "gesture",
    "trial",    "user",           "subject",     "activity",   "userid", "subjectid", "trialid",
    "session",  "secondselapsed", "timestampms", "timestampns"};

// Of text that is a number, if a 32-bit float holds it.
std::optional<float> number_of(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_whole = end == text.data() + text.size();
  const auto narrow = static_cast<float>(value);
  if (error != std::errc{} || !is_whole || !std::isfinite(narrow)) return std::nullopt;
  return narrow;
}

bool is_other(const std::string& name) {
  const bool is_number = number_of(name).has_value();  // of a column without a name
  return !is_number && std::find(std::begin(kOtherColumns), std::end(kOtherColumns),
                                 letters_of(name)) != std::end(kOtherColumns);
}

// A line of names has a cell that is no value, be it one that is missing.
bool is_name(const std::string& cell) {
  const std::string letters = letters_of(cell);
  const bool is_missing = letters == "nan" || letters == "inf" || letters == "infinity";
  return !cell.empty() && !is_missing && !number_of(cell);
}

void require_once(std::span<const std::string> names, const std::string& name) {
  if (std::count(names.begin(), names.end(), name) <= 1) return;
  throw Error("has several columns {}", escaped(name));
}

// The indices of the columns that are wanted.
std::vector<std::size_t> choose_columns(const std::vector<std::string>& columns,
                                        std::span<const std::string> wanted) {
  std::vector<std::size_t> chosen;
  for (const std::string& name : wanted) {
    require_once(columns, name);
    require_once(wanted, name);
    const auto found = std::find(columns.begin(), columns.end(), name);
    if (found == columns.end()) {
      throw Error("has no column {}, which dataset.series.channels names; its columns are {}",
                  escaped(name), escaped(fmt::format("{}", fmt::join(columns, ", "))));
    }
    chosen.push_back(static_cast<std::size_t>(found - columns.begin()));
  }
  if (!wanted.empty()) return chosen;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (is_other(columns[i])) continue;
    require_once(columns, columns[i]);
    chosen.push_back(i);
  }
  if (chosen.empty()) throw Error("has no column but clocks and labels");
  if (chosen.size() > kMostChannels) {
    throw Error("has {} channels, at most {} are taken: dataset.series.channels names them",
                chosen.size(), kMostChannels);
  }
  return chosen;
}

std::vector<std::string> numbered(std::size_t columns) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < columns; ++i) names.push_back(std::to_string(i));
  return names;
}

void take_names(const std::vector<std::string>& columns, const std::vector<std::size_t>& chosen,
                Recording& recording) {
  for (const std::size_t column : chosen) recording.channels.push_back(columns[column]);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (std::find(chosen.begin(), chosen.end(), i) == chosen.end()) {
      recording.left_out.push_back(columns[i].empty() ? fmt::format("number {}", i) : columns[i]);
    }
  }
}

Recording read_table(const fs::path& file, std::span<const std::string> wanted) {
  CsvTable table = read_csv(file);
  const bool has_names = std::any_of(table.columns.begin(), table.columns.end(), is_name);
  if (!has_names) {
    table.rows.insert(table.rows.begin(), {1, table.columns});
    table.columns = numbered(table.columns.size());
  }
  const std::vector<std::size_t> chosen = choose_columns(table.columns, wanted);
  Recording recording;
  take_names(table.columns, chosen, recording);
  if (table.rows.empty()) throw Error("has no rows");
  for (const CsvRow& row : table.rows) {
    for (const std::size_t column : chosen) {
      const std::optional<float> value = number_of(row.cells[column]);
      if (!value) {
        throw Error("line {}: column {} holds {:?}, no number", row.line,
                    escaped(table.columns[column]), row.cells[column]);
      }
      recording.values.push_back(*value);
    }
  }
  return recording;
}

template <typename T>
void append_floats(const std::string& bytes, std::vector<float>& values) {
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof(T));
    values.push_back(static_cast<float>(value));
  }
}

std::vector<float> to_floats(const NpyArray& array) {
  std::vector<float> values;
  const std::string& type = array.type;
  values.reserve(array.bytes.size() / static_cast<std::size_t>(type.back() - '0'));
  if (type == "f4") append_floats<float>(array.bytes, values);
  if (type == "f8") append_floats<double>(array.bytes, values);
  if (type == "i1") append_floats<std::int8_t>(array.bytes, values);
  if (type == "i2") append_floats<std::int16_t>(array.bytes, values);
  if (type == "i4") append_floats<std::int32_t>(array.bytes, values);
  if (type == "i8") append_floats<std::int64_t>(array.bytes, values);
  if (type == "u1") append_floats<std::uint8_t>(array.bytes, values);
  if (type == "u2") append_floats<std::uint16_t>(array.bytes, values);
  if (type == "u4") append_floats<std::uint32_t>(array.bytes, values);
  if (type == "u8") append_floats<std::uint64_t>(array.bytes, values);
  if (array.bytes.empty()) throw Error("holds no values");
  if (values.empty()) throw Error("holds values of the type {}, which is not read", type);
  for (const float value : values) {
    if (!std::isfinite(value)) throw Error("holds a value that is no finite 32-bit float");
  }
  return values;
}

Recording read_array(const fs::path& file, std::span<const std::string> wanted) {
  const NpyArray array = parse_npy(read_file(file, kMostBytes));
  if (array.shape.size() != 1 && array.shape.size() != 2) {
    throw Error("must be an array of [rows, channels] or [rows], has the shape [{}]",
                fmt::join(array.shape, ", "));
  }
  const std::vector<float> values = to_floats(array);
  const auto columns = array.shape.size() == 1 ? 1 : static_cast<std::size_t>(array.shape[1]);
  const std::size_t rows = values.size() / columns;
  const auto value_at = [&](std::size_t row, std::size_t column) {
    return array.is_column_major ? values[column * rows + row] : values[row * columns + column];
  };
  const std::vector<std::size_t> chosen = choose_columns(numbered(columns), wanted);
  Recording recording;
  take_names(numbered(columns), chosen, recording);
  for (std::size_t row = 0; row < rows; ++row) {
    for (const std::size_t column : chosen) recording.values.push_back(value_at(row, column));
  }
  return recording;
}

}  // namespace

Recording read_recording(const fs::path& file, std::span<const std::string> channels) {
  try {
    return extension_of(file) == ".npy" ? read_array(file, channels) : read_table(file, channels);
  } catch (const Error& error) {
    const std::string message = error.what();
    if (message.starts_with(file.string())) throw;
    throw Error("{}: {}", file.string(), message);
  }
}

}  // namespace mcunet::datasets
