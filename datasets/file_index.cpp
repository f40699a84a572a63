#include "file_index.hpp"

#include <algorithm>

namespace mcunet::datasets {
namespace fs = std::filesystem;

FileIndex::FileIndex(const fs::path& root, std::vector<fs::path> files)
    : own_name_(fs::canonical(root).filename().string() + "/"), files_(std::move(files)) {
  const auto add = [](Places& places, const std::string& name, std::size_t file) {
    std::vector<std::size_t>& known = places[name];
    if (known.empty() || known.back() != file) known.push_back(file);
  };
  for (std::size_t i = 0; i < files_.size(); ++i) {
    const fs::path below = files_[i].lexically_relative(root);
    add(by_path_, below.string(), i);
    add(by_path_, fs::path(below).replace_extension().string(), i);
    add(by_name_, below.filename().string(), i);
    add(by_name_, below.stem().string(), i);
  }
}

std::vector<std::size_t> FileIndex::find(std::string name) const {
  std::replace(name.begin(), name.end(), '\\', '/');
  if (name.starts_with("./")) name.erase(0, 2);
  if (const auto found = by_path_.find(name); found != by_path_.end()) return found->second;
  if (name.starts_with(own_name_)) {
    const auto found = by_path_.find(name.substr(own_name_.size()));
    if (found != by_path_.end()) return found->second;
  }
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? std::vector<std::size_t>{} : found->second;
}

}  // namespace mcunet::datasets
