#pragma once

#include <filesystem>
#include <string_view>

namespace mcunet {

// A folder of its own, removed with everything in it at the end of its life.
class ScratchFolder {
 public:
  // In the system's folder for temporary files. Throws Error if nothing can be created there.
  ScratchFolder();
  // In `parent`, which must exist: what is made there can be renamed to its place beside it.
  explicit ScratchFolder(const std::filesystem::path& parent);
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Removes what processes that were killed left in `parent`, where no other may be at work.
void remove_abandoned_scratch(const std::filesystem::path& parent);

// Puts a complete folder in the place of another, or where there is none. `from` must lie in a
// scratch folder of the same file system; the old folder is kept in there until the new one has its
// name. Throws Error, leaving the old folder as it was.
void replace_folder(const std::filesystem::path& from, const std::filesystem::path& to);

// A folder whose files appear all at once, when commit() is called; without it, nothing changes.
// Behind a symbolic link, the folder that it leads to is replaced, and the link stays.
class StagedFolder {
 public:
  // Throws Error if `folder` cannot be written.
  explicit StagedFolder(const std::filesystem::path& folder);

  // Where the files are until then.
  const std::filesystem::path& path() const { return staging_; }

  // Throws Error.
  void write(const std::filesystem::path& relative, std::string_view contents) const;

  // Replaces the folder, if there is one. Throws Error.
  void commit() const { replace_folder(staging_, folder_); }

 private:
  std::filesystem::path folder_;
  ScratchFolder scratch_;
  std::filesystem::path staging_;
};

}  // namespace mcunet
