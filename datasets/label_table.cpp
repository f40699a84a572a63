#include "label_table.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_map>

#include "class_folders.hpp"
#include "csv_table.hpp"
#include "file_index.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/names.hpp"

namespace mcunet::datasets {
namespace fs = std::filesystem;
namespace {

// Usual headings, letters alone; the first that is there is taken.
constexpr const char* kFileHeadings[] = {
    "filename", "file",      "filepath",  "filepaths", "imagepath", "path",      "image",
    "imageid",  "imagename", "imgname",   "img",       "audio",     "audiofile", "slicefilename",
    "fname",    "clip",      "recording", "id",        "name"};
constexpr const char* kLabelHeadings[] = {"label",     "labels", "class",   "classname",
                                          "category",  "target", "species", "breed",
                                          "diagnosis", "dx",     "word",    "y"};
constexpr const char* kValueHeadings[] = {"value", "target", "label", "score", "y"};
constexpr const char* kSplitHeadings[] = {"split",     "set",   "subset",
                                          "partition", "usage", "dataset"};

constexpr std::size_t kNone = std::size_t(-1);

struct Columns {
  std::size_t file = kNone;
  std::size_t label = kNone;  // none: one column for each class
  std::size_t split = kNone;
};

class TableReader {
 public:
  explicit TableReader(const DatasetOptions& options)
      : file_(annotations_of(options)), table_(read_csv(file_)) {
    if (table_.rows.empty()) {
      throw Error("{}: has no rows; expected a line of column names, and a row for each file",
                  file_.string());
    }
    const TableColumns& stated = options.columns;
    columns_.file = find("file", stated.file, kFileHeadings);
    if (columns_.file == kNone) fail_column("file", "the files");
    columns_.split = find("split", stated.split, kSplitHeadings);
    if (stated.split.empty() && columns_.split != kNone && !has_splits()) columns_.split = kNone;
    const bool has_values = options.targets == TargetKind::kValues;
    columns_.label = has_values ? find("label", stated.label, kValueHeadings)
                                : find("label", stated.label, kLabelHeadings);
    if (columns_.label == kNone && (has_values || !is_one_hot())) {
      fail_column("label", has_values ? "the values" : "the labels");
    }
  }

  const fs::path& file() const { return file_; }
  const CsvTable& table() const { return table_; }
  const std::string& name_in(const CsvRow& row) const {
    if (row.cells[columns_.file].empty()) fail_at(row, "names no file");
    return row.cells[columns_.file];
  }

  std::string label_in(const CsvRow& row) const {
    if (columns_.label != kNone) {
      if (row.cells[columns_.label].empty()) fail_at(row, "has no label");
      return row.cells[columns_.label];
    }
    std::string label;
    std::size_t ones = 0;
    for (std::size_t c = 0; c < row.cells.size(); ++c) {
      if (!is_class(c) || row.cells[c][0] != '1') continue;
      label = table_.columns[c];
      ++ones;
    }
    if (ones != 1) fail_at(row, fmt::format("is of {} classes; expected a 1 in one column", ones));
    return label;
  }

  std::optional<Split> split_in(const CsvRow& row) const {
    if (columns_.split == kNone) return std::nullopt;
    const auto split = split_named(row.cells[columns_.split]);
    if (!split) {
      fail_at(row, fmt::format("{} is no split; expected train, val or test",
                               escaped(row.cells[columns_.split])));
    }
    return split;
  }

  [[noreturn]] void fail_at(const CsvRow& row, const std::string& message) const {
    throw Error("{}:{}: {}", file_.string(), row.line, message);
  }

 private:
  // The column of a heading that the options state, or of the first usual one.
  std::size_t find(const char* key, const std::string& stated,
                   std::span<const char* const> usual) const {
    const std::vector<std::string>& columns = table_.columns;
    if (!stated.empty()) {
      const auto count = std::count(columns.begin(), columns.end(), stated);
      if (count != 1) {
        throw Error("dataset.columns.{}: {} has {} columns {}; there are {}", key, file_.string(),
                    count, escaped(stated), headings());
      }
      return static_cast<std::size_t>(index_of(columns, stated));
    }
    for (const char* heading : usual) {
      for (std::size_t c = 0; c < columns.size(); ++c) {
        if (letters_of(columns[c]) == heading) return c;
      }
    }
    return kNone;
  }

  [[noreturn]] void fail_column(const char* key, const char* of) const {
    throw Error("{}:1: which column has {}? dataset.columns.{} names it; there are {}",
                file_.string(), of, key, headings());
  }

  std::string headings() const {
    return escaped(fmt::format("{}", fmt::join(table_.columns, ", ")));
  }

  // A heading as usual as "set" may mean something else; then no cell is a split.
  bool has_splits() const {
    return std::any_of(table_.rows.begin(), table_.rows.end(), [&](const CsvRow& row) {
      return split_named(row.cells[columns_.split]).has_value();
    });
  }

  bool is_class(std::size_t column) const {
    return column != columns_.file && column != columns_.split;
  }

  bool is_one_hot() const {
    std::size_t classes = 0;
    for (std::size_t c = 0; c < table_.columns.size(); ++c) {
      if (!is_class(c)) continue;
      ++classes;
      for (const CsvRow& row : table_.rows) {
        const std::string& cell = row.cells[c];
        if (cell != "0" && cell != "1" && cell != "0.0" && cell != "1.0") return false;
      }
    }
    return classes > 1;
  }

  fs::path file_;
  CsvTable table_;
  Columns columns_;
};

// Where each row's file is, and what is wrong with that.
class RowFiles {
 public:
  RowFiles(const TableReader& reader, const fs::path& root, const FileIndex& index)
      : reader_(reader), root_(root), index_(index) {}

  // Absent files too, by the path at which they should be.
  std::string path_of(const CsvRow& row) {
    const std::string& name = reader_.name_in(row);
    const fs::path path(name);
    if (path.is_absolute() || std::find(path.begin(), path.end(), "..") != path.end()) {
      reader_.fail_at(row, fmt::format("{} leads out of {}", escaped(name), root_.string()));
    }
    const std::vector<std::size_t> found = index_.find(name);
    if (found.size() > 1) {
      reader_.fail_at(row, fmt::format("{} may be {} or {}; give the path below {}", escaped(name),
                                       index_.files()[found[0]].string(),
                                       index_.files()[found[1]].string(), root_.string()));
    }
    if (!found.empty()) return index_.files()[found[0]].string();
    if (absent_++ == 0) first_absent_ = &row;
    return (root_ / name).string();
  }

  void refuse_absent_beyond(double share) const {
    const std::size_t rows = reader_.table().rows.size();
    if (absent_ == 0 || static_cast<double>(absent_) <= share * static_cast<double>(rows)) return;
    reader_.fail_at(*first_absent_, fmt::format("{} is not in {}; {} of {} rows name no file there",
                                                escaped(reader_.name_in(*first_absent_)),
                                                root_.string(), absent_, rows));
  }

 private:
  const TableReader& reader_;
  const fs::path& root_;
  const FileIndex& index_;
  std::size_t absent_ = 0;
  const CsvRow* first_absent_ = nullptr;
};

// If all files lie in folders of splits, training data among them.
void take_splits_of_folders(const fs::path& root, Layout& layout) {
  std::vector<Split> splits;
  for (const ListedFile& file : layout.files) {
    const fs::path below = fs::path(file.path).lexically_relative(root);
    const auto split = split_named(below.begin()->string());
    if (!split || below.begin()->string() == below.string()) return;
    splits.push_back(*split);
  }
  if (std::count(splits.begin(), splits.end(), Split::kTrain) == 0) return;
  for (std::size_t i = 0; i < splits.size(); ++i) layout.files[i].split = splits[i];
}

}  // namespace

Layout list_by_table(const DatasetOptions& options) {
  const fs::path root = require_path(options);
  const TableReader reader(options);
  Layout layout;
  std::vector<fs::path> found = files_below(root, medium_of(options.kind), layout.left_out);
  // The table is neither an example, where tables may be, nor something that is left out.
  std::error_code ignored;
  const std::size_t taken_for_example = std::erase_if(
      found, [&](const fs::path& file) { return fs::equivalent(file, reader.file(), ignored); });
  const FileIndex index(root, std::move(found));
  RowFiles files(reader, root, index);
  std::vector<std::string> labels;
  std::unordered_map<std::string, const CsvRow*> rows;  // by file
  bool has_splits = false;
  for (const CsvRow& row : reader.table().rows) {
    const std::string path = files.path_of(row);
    const std::string label = reader.label_in(row);
    const std::optional<Split> split = reader.split_in(row);
    const auto [place, is_new] = rows.try_emplace(path, &row);
    if (!is_new) {
      const CsvRow& before = *place->second;
      if (reader.label_in(before) == label && reader.split_in(before) == split) continue;
      reader.fail_at(row, fmt::format("{} is in line {} already, with another label or split",
                                      escaped(reader.name_in(row)), before.line));
    }
    has_splits = split.has_value();
    labels.push_back(label);
    layout.files.push_back({path, 0, split.value_or(Split::kTrain)});
  }
  files.refuse_absent_beyond(options.max_unreadable_share);
  if (options.targets == TargetKind::kValues) {
    take_values(layout, labels, reader.file().string());
  } else {
    label_files(layout, labels, reader.file().string());
  }
  if (!has_splits) take_splits_of_folders(root, layout);
  std::size_t unnamed = index.files().size();
  for (const fs::path& file : index.files()) unnamed -= rows.count(file.string());
  if (unnamed > 0) {
    layout.left_out.files["in no row of the table"] = static_cast<std::int64_t>(unnamed);
  }
  if (taken_for_example > 0) return layout;
  const fs::path below =
      fs::canonical(reader.file(), ignored).lexically_relative(fs::canonical(root, ignored));
  const bool is_below = !below.empty() && *below.begin() != "..";
  const auto itself = layout.left_out.files.find(extension_of(reader.file()));
  if (is_below && itself != layout.left_out.files.end() && --itself->second == 0) {
    layout.left_out.files.erase(itself);
  }
  return layout;
}

}  // namespace mcunet::datasets
