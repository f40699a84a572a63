#include "mcunet/core/files.hpp"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#include "descriptor.hpp"
#include "mcunet/core/config.hpp"
#include "mcunet/core/error.hpp"

namespace mcunet {
namespace fs = std::filesystem;
namespace {

std::string describe(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

// Writes a new file and flushes it to disk; errno tells what went wrong. One that a process with the
// same number left there is replaced, whatever it is.
bool write_and_flush(const fs::path& file, std::string_view contents) {
  ::unlink(file.c_str());
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
  const int descriptor = ::open(file.c_str(), kFlags, 0644);
  if (descriptor < 0) return false;
  bool good = write_all(descriptor, contents) && ::fsync(descriptor) == 0;
  const int error = errno;
  good = ::close(descriptor) == 0 && good;
  if (!good) errno = error;
  return good;
}

std::vector<fs::path> config_roots() {
  std::vector<fs::path> roots;
  if (const char* variable = std::getenv("MCUNET_CONFIGS")) roots.emplace_back(variable);
  roots.emplace_back("configs");
  for (fs::path folder = executable_folder(); folder.has_relative_path();
       folder = folder.parent_path()) {
    roots.push_back(folder / "configs");
    roots.push_back(folder / "share" / "mcunet" / "configs");
  }
  return roots;
}

constexpr char kPartial[] = ".partial";

// The name says which process writes it. What a long name ends with makes room for that.
fs::path partial_file(const fs::path& file) {
  constexpr std::size_t kKept = 200;
  const std::string name = file.filename().string().substr(0, kKept);
  return file.parent_path() / fmt::format("{}.{}{}", name, ::getpid(), kPartial);
}

// The regular file, or the free place, that a name stands for.
fs::path target_of(const fs::path& file) {
  const auto fail = [&](const std::string& reason) {
    throw Error("{}: cannot be written: {}", file.string(), reason);
  };
  if (file.filename().empty()) fail("it has no name");
  std::error_code error;
  const bool is_link = fs::is_symlink(file, error);
  const fs::path target = is_link ? fs::canonical(file, error) : file;
  if (is_link && error) fail("is a link that leads nowhere: " + error.message());
  struct stat status {};
  const bool is_there = ::stat(target.c_str(), &status) == 0;
  if (is_there && !S_ISREG(status.st_mode)) {
    fail(fmt::format("is {}, not a file", describe(status.st_mode)));
  }
  return target;
}

// Of a partial file whose process is gone.
bool is_abandoned(const fs::path& file) {
  if (file.extension() != kPartial) return false;
  const std::string process = file.stem().extension().string();  // ".123"
  pid_t id = 0;
  const char* const end = process.data() + process.size();
  if (process.size() < 2 || std::from_chars(process.data() + 1, end, id).ptr != end) return false;
  return ::kill(id, 0) != 0 && errno == ESRCH;
}

}  // namespace

void remove_abandoned_files(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> abandoned;
  // A folder that may not be read is passed over. One that vanishes meanwhile ends the search: what
  // is left over is found the next time.
  const auto options = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator entry(folder, options, error), end; !error && entry != end;
       entry.increment(error)) {
    if (is_abandoned(entry->path())) abandoned.push_back(entry->path());
  }
  std::error_code ignored;
  for (const fs::path& file : abandoned) fs::remove(file, ignored);
}

bool write_all(int descriptor, std::string_view contents) {
  while (!contents.empty()) {
    const ssize_t written = ::write(descriptor, contents.data(), contents.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    contents.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

void require_replaceable_file(const fs::path& file) {
  const fs::path folder = target_of(file).parent_path();
  require_writable_folder(folder.empty() ? "." : folder);
}

void write_file_atomically(const fs::path& file, std::string_view contents) {
  const fs::path target = target_of(file);
  const fs::path temporary = partial_file(target);
  if (write_and_flush(temporary, contents) && ::rename(temporary.c_str(), target.c_str()) == 0) {
    return;
  }
  const int error = errno;
  ::unlink(temporary.c_str());
  throw Error("{}: cannot be written: {}", file.string(), std::strerror(error));
}

std::string read_file(const fs::path& file, std::int64_t max_bytes) {
  const auto fail = [&](const std::string& reason) {
    throw Error("{}: cannot be read: {}", file.string(), reason);
  };
  const auto check_size = [&](std::int64_t bytes) {
    if (bytes <= max_bytes) return;
    fail(fmt::format("has more than the {} bytes that such a file may have", max_bytes));
  };
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) fail(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) fail(fmt::format("is {}, not a file", describe(status.st_mode)));
  check_size(status.st_size);
  // Should a pipe have taken its place, opening it does not wait for one who writes.
  const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (descriptor.number() < 0) fail(std::strerror(errno));
  // Room for one more byte shows the end. Files may grow, and those of /proc say that they are
  // empty.
  std::string contents;
  try {
    contents.resize(static_cast<std::size_t>(status.st_size) + 1);
  } catch (const std::bad_alloc&) {
    fail(fmt::format("there is not enough memory for its {} bytes", status.st_size));
  }
  std::size_t size = 0;
  for (;;) {
    if (size == contents.size()) contents.resize(2 * size + 4096);
    const ssize_t got = ::read(descriptor.number(), &contents[size], contents.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(std::strerror(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
    check_size(static_cast<std::int64_t>(size));
  }
  contents.resize(size);
  return contents;
}

fs::path make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw Error("{}: cannot be created: {}", folder.string(), error.message());
  return folder;
}

std::vector<fs::path> missing_folders(const fs::path& folder) {
  std::vector<fs::path> missing;
  std::error_code error;
  for (fs::path path = fs::absolute(folder); !fs::exists(path, error) && path.has_relative_path();
       path = path.parent_path()) {
    missing.push_back(path);
  }
  return missing;
}

void require_writable_folder(const fs::path& folder) {
  const std::vector<fs::path> missing = missing_folders(folder);
  const auto remove_created = [&] {
    for (const fs::path& path : missing) ::rmdir(path.c_str());
  };
  try {
    make_folder(folder);
  } catch (const Error&) {
    remove_created();
    throw;
  }
  const fs::path probe = partial_file(folder / "probe");
  const bool good = write_and_flush(probe, "");
  const int reason = errno;
  ::unlink(probe.c_str());
  remove_created();
  if (!good) throw Error("{}: cannot be written to: {}", folder.string(), std::strerror(reason));
}

fs::path executable_folder() {
  std::error_code error;
  const fs::path executable = fs::read_symlink("/proc/self/exe", error);
  return error ? fs::path() : executable.parent_path();
}

fs::path find_config(const std::string& name, const std::string& group) {
  std::error_code ignored;
  if (fs::is_regular_file(name, ignored)) return name;
  std::vector<std::string> known;
  for (const fs::path& root : config_roots()) {
    fs::path file = root / group / (name + ".yaml");
    if (fs::is_regular_file(file, ignored)) return file;
    for (const auto& entry : fs::directory_iterator(root / group, ignored)) {
      if (entry.path().extension() == ".yaml") known.push_back(entry.path().stem().string());
    }
  }
  std::sort(known.begin(), known.end());
  known.erase(std::unique(known.begin(), known.end()), known.end());
  const std::string nearest = nearest_name(name, known);
  throw Error("{}: is no file and no name in configs/{}{}{}", name, group,
              nearest.empty() ? "" : "; did you mean " + nearest + "?",
              known.empty() ? "" : fmt::format(" (there are {})", fmt::join(known, ", ")));
}

}  // namespace mcunet
