#include "mcunet/core/files.hpp"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <vector>

#include "mcunet/core/config.hpp"
#include "mcunet/core/error.hpp"

namespace mcunet {
namespace fs = std::filesystem;
namespace {

// Writes all of it and flushes it to disk; errno tells what went wrong.
bool write_and_flush(const fs::path& file, std::string_view contents) {
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
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
  std::error_code error;
  const fs::path executable = fs::read_symlink("/proc/self/exe", error);
  for (fs::path folder = executable.parent_path(); !error && folder.has_relative_path();
       folder = folder.parent_path()) {
    roots.push_back(folder / "configs");
    roots.push_back(folder / "share" / "mcunet" / "configs");
  }
  return roots;
}

constexpr char kPartial[] = ".partial";

// The name says which process writes it.
fs::path partial_file(const fs::path& file) {
  return fmt::format("{}.{}{}", file.string(), ::getpid(), kPartial);
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

void write_file_atomically(const fs::path& file, std::string_view contents) {
  const fs::path temporary = partial_file(file);
  if (write_and_flush(temporary, contents) && ::rename(temporary.c_str(), file.c_str()) == 0)
    return;
  const int error = errno;
  ::unlink(temporary.c_str());
  throw Error("{}: cannot be written: {}", file.string(), std::strerror(error));
}

std::string read_file(const fs::path& file) {
  std::error_code ignored;
  std::ifstream stream(file, std::ios::binary);
  if (!stream || fs::is_directory(file, ignored)) throw Error("{}: cannot be read", file.string());
  std::ostringstream text;
  text << stream.rdbuf();
  return std::move(text).str();
}

void require_writable_folder(const fs::path& folder) {
  std::vector<fs::path> missing;  // deepest first
  std::error_code error;
  for (fs::path path = fs::absolute(folder); !fs::exists(path, error) && path.has_relative_path();
       path = path.parent_path()) {
    missing.push_back(path);
  }
  const auto remove_created = [&] {
    for (const fs::path& path : missing) ::rmdir(path.c_str());
  };
  fs::create_directories(folder, error);
  if (error) {
    remove_created();
    throw Error("{}: cannot be created: {}", folder.string(), error.message());
  }
  const fs::path probe = partial_file(folder / "probe");
  const bool good = write_and_flush(probe, "");
  const int reason = errno;
  ::unlink(probe.c_str());
  remove_created();
  if (!good) throw Error("{}: cannot be written to: {}", folder.string(), std::strerror(reason));
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
