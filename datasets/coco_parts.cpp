#include "coco_parts.hpp"

#include <algorithm>

#include "class_folders.hpp"
#include "mcunet/core/error.hpp"

namespace mcunet::datasets {
namespace fs = std::filesystem;
namespace {

constexpr char kBesideImages[] = "_annotations.coco.json";
constexpr std::string_view kInstances = "instances_";

// "train2017" of instances_train2017.json, "train" of train.json; empty for other files, such as
// captions_train2017.json.
std::string part_name(const fs::path& file) {
  const std::string stem = file.stem().string();
  if (stem.starts_with(kInstances)) return stem.substr(kInstances.size());
  return split_named(stem) ? stem : "";
}

std::vector<fs::path> image_folders(const fs::path& root, const std::string& part) {
  return {root / part, root / "images" / part, root / "images", root};
}

bool has_folder_of(const fs::path& root, const fs::path& file) {
  const std::string name = part_name(file);
  std::error_code ignored;
  return !name.empty() && (fs::is_directory(root / name, ignored) ||
                           fs::is_directory(root / "images" / name, ignored));
}

// Those first whose images have a folder of their name; of these, later years first.
std::vector<CocoPart> parts_in(const fs::path& root, const fs::path& folder) {
  std::vector<fs::path> files = files_in(folder, {".json"});
  std::reverse(files.begin(), files.end());
  std::stable_partition(files.begin(), files.end(),
                        [&](const fs::path& file) { return has_folder_of(root, file); });
  std::vector<CocoPart> parts;
  for (const fs::path& file : files) {
    const std::string name = part_name(file);
    const auto split = split_named(name);
    const auto is_same = [&](const CocoPart& part) { return part.split == split; };
    if (!split || std::any_of(parts.begin(), parts.end(), is_same)) continue;
    parts.push_back({file, image_folders(root, name), *split});
  }
  for (const fs::path& file : files) {
    if (!parts.empty()) break;
    const std::string name = part_name(file);
    if (!name.empty()) parts.push_back({file, image_folders(root, name)});
  }
  return parts;
}

std::vector<CocoPart> parts_beside_images(const fs::path& root) {
  std::vector<CocoPart> parts;
  std::error_code ignored;
  for (const std::string& name : folder_names(root)) {
    const auto split = split_named(name);
    const fs::path file = root / name / kBesideImages;
    if (split && fs::is_regular_file(file, ignored)) parts.push_back({file, {root / name}, *split});
  }
  const fs::path file = root / kBesideImages;
  if (parts.empty() && fs::is_regular_file(file, ignored)) parts.push_back({file, {root}});
  return parts;
}

}  // namespace

fs::path CocoPart::path_of(const std::string& file) const {
  std::error_code ignored;
  for (const fs::path& folder : image_folders) {
    if (fs::exists(folder / file, ignored)) return folder / file;
  }
  return image_folders.front() / file;
}

std::vector<CocoPart> find_coco_parts(const DatasetOptions& options) {
  const fs::path root = require_path(options);
  const fs::path stated =
      options.annotations.empty() ? root / "annotations" : annotations_of(options);
  std::error_code ignored;
  std::vector<CocoPart> parts;
  if (fs::is_regular_file(stated, ignored)) {
    parts.push_back({stated, image_folders(root, part_name(stated))});
  } else if (fs::is_directory(stated, ignored)) {
    parts = parts_in(root, stated);
  }
  if (parts.empty() && options.annotations.empty()) parts = parts_beside_images(root);
  const bool has_training = std::any_of(
      parts.begin(), parts.end(), [](const CocoPart& part) { return part.split == Split::kTrain; });
  if (!parts.empty() && !has_training) {
    throw Error("{}: is of a test set; expected one of training data beside it",
                parts.front().annotations.string());
  }
  return parts;
}

}  // namespace mcunet::datasets
