#include "mcunet/core/folder_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "descriptor.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"

namespace mcunet {
namespace fs = std::filesystem;
namespace {

constexpr char kName[] = ".lock";

std::string this_process() {
  char host[256] = "";
  ::gethostname(host, sizeof host - 1);
  return fmt::format("process {} on {}", ::getpid(), host);
}

// Whoever held the lock before may have removed the file that was opened.
bool is_still_there(const Descriptor& file, const fs::path& path) {
  struct stat opened {
  }, named{};
  return ::fstat(file.number(), &opened) == 0 && ::stat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

std::string first_line(const Descriptor& file) {
  char text[512];
  const ssize_t size = ::pread(file.number(), text, sizeof text, 0);
  const std::string line(text, size > 0 ? static_cast<std::size_t>(size) : 0);
  return line.substr(0, line.find('\n'));
}

bool has_no_locks(int error) {
  return error == ENOLCK || error == ENOSYS || error == EOPNOTSUPP || error == EINVAL;
}

// Locked, or on a file system without locks only open.
Descriptor open_locked(const fs::path& folder) {
  const fs::path path = folder / kName;
  for (;;) {
    Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (file.number() < 0) {
      throw Error("{}: cannot be written: {}", path.string(), std::strerror(errno));
    }
    if (::flock(file.number(), LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      if (error == EWOULDBLOCK) {
        const std::string owner = first_line(file);
        throw Error("{}: {} works there: wait until it has ended, or choose another --out",
                    folder.string(), owner.empty() ? "another process" : owner);
      }
      if (error == EINTR) continue;
      if (!has_no_locks(error)) {
        throw Error("{}: cannot be locked: {}", path.string(), std::strerror(error));
      }
      spdlog::warn("{}: the file system has no locks: do not run two jobs in this folder",
                   folder.string());
    }
    if (is_still_there(file, path)) return file;
  }
}

}  // namespace

struct FolderLock::Held {
  explicit Held(const fs::path& of) : folder(of), created(missing_folders(of)) {
    require_writable_folder(folder);
    make_folder(folder);
    try {
      file = open_locked(folder);
    } catch (const Error&) {
      remove_created();
      throw;
    }
    const std::string owner = this_process() + "\n";
    // Only a message says less without it.
    if (::ftruncate(file.number(), 0) == 0) write_all(file.number(), owner);
  }
  ~Held() {
    ::unlink((folder / kName).c_str());
    remove_created();
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  void remove_created() const {
    for (const fs::path& path : created) ::rmdir(path.c_str());
  }

  fs::path folder;
  std::vector<fs::path> created;  // deepest first
  Descriptor file;
};

FolderLock::FolderLock(const fs::path& folder) : held_(std::make_unique<Held>(folder)) {}
FolderLock::~FolderLock() = default;
FolderLock::FolderLock(FolderLock&&) noexcept = default;
FolderLock& FolderLock::operator=(FolderLock&&) noexcept = default;

}  // namespace mcunet
