#include <fmt/format.h>

#include <algorithm>

#include "class_folders.hpp"
#include "file_pattern.hpp"
#include "label_table.hpp"
#include "mcunet/core/error.hpp"

// Images, sounds or recordings of sensors, the user's own, labelled in one of three ways:
//   ROOT/CLASS/…            by their folders, of which a share becomes the test set; or
//                           ROOT/train/CLASS/… with ROOT/test, ROOT/val or both
//   dataset.annotations     by a table
//   dataset.pattern         by their names
// Files may lie at any depth below the folder of a class.
namespace mcunet::datasets {
namespace fs = std::filesystem;
namespace {

// What else might have been meant, where there are no class folders.
std::string hint_at(const fs::path& root, Medium medium, const std::vector<std::string>& folders) {
  if (folders.size() == 1) {
    return fmt::format(", found {} alone; if the classes are in it, let dataset.path end in it",
                       folders.front());
  }
  const std::vector<fs::path> tables = files_in(root, {".csv", ".tsv"});
  if (!tables.empty() && medium != Medium::kSeries) {
    return fmt::format("; dataset.annotations: {} reads the labels of that table",
                       tables.front().filename().string());
  }
  const std::size_t loose = files_in(root, extensions_of(medium)).size();
  if (loose == 0) return "";
  return fmt::format(
      ", found {} {}; dataset.annotations names a table of their labels, dataset.pattern says where "
      "names hold them",
      loose, plural_of(medium));
}

std::vector<std::string> class_folders(const DatasetOptions& options, const fs::path& root) {
  std::vector<std::string> classes = folder_names(root);
  if (classes.size() < 2) {
    throw Error("dataset: {}: expected at least two folders, one for each class{}", root.string(),
                hint_at(root, medium_of(options.kind), classes));
  }
  return classes;
}

// Competitions publish a test set without labels.
void require_classes_in(const fs::path& folder, Medium medium) {
  if (!folder_names(folder).empty()) return;
  throw Error(
      "{}: has no class folders, but {} {}; if these are not labelled, call the folder _{}: it is "
      "left out then",
      folder.string(), files_in(folder, extensions_of(medium)).size(), plural_of(medium),
      folder.filename().string());
}

void leave_out_others(const fs::path& root, const SplitFolders& folders, LeftOut& left_out) {
  for (const std::string& name : folder_names(root, &left_out)) {
    if (name != folders.train && name != folders.search && name != folders.test) {
      left_out.folders.push_back((root / name).string());
    }
  }
}

Layout list_by_folders(const DatasetOptions& options) {
  const fs::path root = require_path(options);
  const Medium medium = medium_of(options.kind);
  Layout layout;
  const std::optional<SplitFolders> splits = find_split_folders(root);
  if (!splits) {
    layout.classes = class_folders(options, root);
    add_class_folders(root, medium, Split::kTrain, layout);
    return layout;
  }
  layout.classes = class_folders(options, root / splits->train);
  leave_out_others(root, *splits, layout.left_out);
  add_class_folders(root / splits->train, medium, Split::kTrain, layout);
  for (const auto& [name, split] :
       {std::pair(splits->search, Split::kSearch), {splits->test, Split::kTest}}) {
    if (name.empty()) continue;
    require_classes_in(root / name, medium);
    add_class_folders(root / name, medium, split, layout);
  }
  return layout;
}

void require_one_way(const DatasetOptions& options) {
  if (!options.pattern.empty() && !options.annotations.empty()) {
    throw Error("dataset.pattern: the labels are in dataset.annotations already");
  }
  const TableColumns& columns = options.columns;
  const bool has_columns = !(columns.file + columns.label + columns.split).empty();
  if (has_columns && options.annotations.empty()) {
    throw Error("dataset.columns: needs dataset.annotations, the table that has them");
  }
}

}  // namespace

std::vector<std::string> folder_classes(const DatasetOptions& options) {
  if (!options.pattern.empty() || !options.annotations.empty()) return list_folder(options).classes;
  require_one_way(options);
  const fs::path root = require_path(options);
  const std::optional<SplitFolders> splits = find_split_folders(root);
  return class_folders(options, splits ? root / splits->train : root);
}

Layout list_folder(const DatasetOptions& options) {
  require_one_way(options);
  if (!options.pattern.empty()) return list_by_pattern(options);
  if (!options.annotations.empty()) return list_by_table(options);
  return list_by_folders(options);
}

}  // namespace mcunet::datasets
