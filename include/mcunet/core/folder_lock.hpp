#pragma once

#include <filesystem>
#include <memory>

namespace mcunet {

// Keeps a folder for one process at a time, also among machines that share it: the others are refused
// while it lives, and however its process ends, it ends with that. The file `.lock` is there meanwhile.
class FolderLock {
 public:
  // Creates the folder if need be. Throws Error, which names the process, if another one works there,
  // and if nothing can be written. On a file system that has no locks it warns, and keeps nobody out.
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();  // removes folders that it created, unless something lies there by now
  FolderLock(FolderLock&&) noexcept;
  FolderLock& operator=(FolderLock&&) noexcept;

 private:
  struct Held;
  std::unique_ptr<Held> held_;
};

}  // namespace mcunet
