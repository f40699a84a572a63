#include "file_list.hpp"
#include "mcunet/core/error.hpp"

// Either ROOT/CLASS/image.jpg, of which a share becomes the test set; or ROOT/train/CLASS/image.jpg
// with ROOT/test or ROOT/val.
namespace mcunet::datasets {
namespace fs = std::filesystem;
namespace {

// Where the test images are; empty if there is no such folder.
fs::path test_folder(const fs::path& root) {
  std::error_code ignored;
  if (!fs::is_directory(root / "train", ignored)) return {};
  for (const char* name : {"test", "val", "validation"}) {
    if (fs::is_directory(root / name, ignored)) return root / name;
  }
  throw Error("{}: has a folder train, but neither test nor val beside it", root.string());
}

}  // namespace

std::vector<std::string> folder_classes(const DatasetOptions& options) {
  const fs::path root = require_path(options);
  std::vector<std::string> classes =
      folder_names(test_folder(root).empty() ? root : root / "train");
  if (classes.size() < 2) fail(options, "expected at least two folders, one for each class");
  return classes;
}

FileList list_folder(const DatasetOptions& options, Split split) {
  const fs::path root = require_path(options);
  const fs::path test = test_folder(root);
  FileList list{folder_classes(options), {}};
  std::vector<LabelledFile> files;
  if (test.empty()) {
    files = list_class_folders(root, list.classes);
    auto parts = split_off(files, share_of(files, options.test_share), options.seed);
    list.files = std::move(parts.first);
    files = std::move(parts.second);
  } else if (split == Split::kTest) {
    list.files = list_class_folders(test, list.classes);
  } else {
    files = list_class_folders(root / "train", list.classes);
  }
  if (split != Split::kTest) {
    list.files = training_part(files, split, options.search_split.value_or(share_of(files, 0.1)),
                               options.seed);
  }
  return list;
}

}  // namespace mcunet::datasets
