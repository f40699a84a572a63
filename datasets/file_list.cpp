#include "file_list.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "mcunet/core/error.hpp"
#include "mcunet/core/names.hpp"

namespace mcunet::datasets {
namespace fs = std::filesystem;
namespace {

// How many of each class: proportional, the largest remainders rounded up, and never a whole class
// where it has more than one file.
std::vector<std::size_t> quotas(const std::vector<std::vector<std::size_t>>& of_class,
                                std::size_t files, std::int64_t count) {
  std::vector<std::size_t> result;
  std::vector<std::pair<double, std::size_t>> remainders;  // negative, so that sorting begins with
  std::int64_t left = count;                               // the largest
  for (std::size_t c = 0; c < of_class.size(); ++c) {
    const double exact = static_cast<double>(of_class[c].size()) * static_cast<double>(count) /
                         static_cast<double>(files);
    result.push_back(static_cast<std::size_t>(exact));
    left -= static_cast<std::int64_t>(result.back());
    remainders.emplace_back(static_cast<double>(result.back()) - exact, c);
  }
  std::sort(remainders.begin(), remainders.end());
  for (std::size_t i = 0; left > 0; i = (i + 1) % remainders.size()) {
    const std::size_t c = remainders[i].second;
    if (result[c] >= of_class[c].size()) continue;
    ++result[c];
    --left;
  }
  return result;
}

}  // namespace

std::vector<std::string> folder_names(const fs::path& root) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root, error)) {
    std::string name = entry.path().filename().string();
    std::error_code ignored;  // a link that leads nowhere is no folder
    if (name[0] == '.' || name[0] == '_' || !entry.is_directory(ignored)) continue;
    if (!is_utf8_text(name)) {
      throw Error("{}: the name of its folder {} is not UTF-8; rename the folder", root.string(),
                  escaped(name));
    }
    names.push_back(std::move(name));
  }
  if (error) throw Error("{}: cannot be read: {}", root.string(), error.message());
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<fs::path> files_in(const fs::path& folder, const std::vector<std::string>& extensions) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (!has_extension(entry.path(), extensions)) continue;
    if (entry.path().filename().string()[0] != '.') files.push_back(entry.path());
  }
  if (error) throw Error("{}: cannot be read: {}", folder.string(), error.message());
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<LabelledFile> list_class_folders(const fs::path& root,
                                             const std::vector<std::string>& classes) {
  std::vector<LabelledFile> files;
  for (const std::string& name : folder_names(root)) {
    const auto found = std::find(classes.begin(), classes.end(), name);
    if (found == classes.end()) {
      throw Error("{}: is no class of the training data", (root / name).string());
    }
    const auto label = static_cast<std::int32_t>(found - classes.begin());
    for (const fs::path& file : files_in(root / name, image_extensions())) {
      files.push_back({file.string(), label});
    }
  }
  if (files.empty()) throw Error("{}: expected folders of images, one a class", root.string());
  return files;
}

std::pair<std::vector<LabelledFile>, std::vector<LabelledFile>> split_off(
    const std::vector<LabelledFile>& files, std::int64_t count, std::uint64_t seed) {
  if (count < 1 || count >= static_cast<std::int64_t>(files.size())) {
    throw Error("dataset: cannot hold out {} of {} examples", count, files.size());
  }
  std::vector<std::vector<std::size_t>> of_class;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto label = static_cast<std::size_t>(files[i].label);
    if (label >= of_class.size()) of_class.resize(label + 1);
    of_class[label].push_back(i);
  }
  const std::vector<std::size_t> quota = quotas(of_class, files.size(), count);
  std::vector<bool> is_chosen(files.size());
  for (std::size_t c = 0; c < of_class.size(); ++c) {
    std::vector<std::size_t>& members = of_class[c];
    RandomStream random(seed, {c});
    for (std::size_t i = 0; i < quota[c]; ++i) {
      const auto others = static_cast<std::uint32_t>(members.size() - i);
      std::swap(members[i], members[i + random.index(others)]);
      is_chosen[members[i]] = true;
    }
  }
  std::pair<std::vector<LabelledFile>, std::vector<LabelledFile>> parts;
  for (std::size_t i = 0; i < files.size(); ++i) {
    (is_chosen[i] ? parts.first : parts.second).push_back(files[i]);
  }
  return parts;
}

std::vector<LabelledFile> training_part(const std::vector<LabelledFile>& files, Split split,
                                        std::int64_t search_count, std::uint64_t seed) {
  // Another stream than the one that a test split was drawn with.
  auto parts = split_off(files, search_count, RandomStream(seed, {1})());
  return split == Split::kSearch ? std::move(parts.first) : std::move(parts.second);
}

std::int64_t share_of(const std::vector<LabelledFile>& files, double share) {
  const double count = share * static_cast<double>(files.size());
  return std::max<std::int64_t>(1, std::llround(count));
}

void fail(const DatasetOptions& options, const std::string& message) {
  throw Error("dataset: {}: {}", options.path, message);
}

fs::path require_path(const DatasetOptions& options) {
  if (options.path.empty()) throw Error("dataset.path: is not set; it names the dataset's folder");
  std::error_code ignored;
  if (!fs::is_directory(options.path, ignored)) fail(options, "is no folder");
  return options.path;
}

}  // namespace mcunet::datasets
