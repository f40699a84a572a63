#pragma once

#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

namespace mcunet::datasets {

// Finds the files that people mean by what tables say: a path below the root, with the root's own
// name before it or not, or a name alone; either with its extension or without.
class FileIndex {
 public:
  FileIndex(const std::filesystem::path& root, std::vector<std::filesystem::path> files);

  const std::vector<std::filesystem::path>& files() const { return files_; }

  // Indices of the files that the name may stand for; none or several are the caller's to tell.
  std::vector<std::size_t> find(std::string name) const;

 private:
  using Places = std::unordered_map<std::string, std::vector<std::size_t>>;

  std::string own_name_;
  std::vector<std::filesystem::path> files_;
  Places by_path_;
  Places by_name_;
};

}  // namespace mcunet::datasets
