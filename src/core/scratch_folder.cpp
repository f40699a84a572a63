#include "mcunet/core/scratch_folder.hpp"

#include <stdlib.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"

namespace mcunet {
namespace fs = std::filesystem;
namespace {

constexpr char kPrefix[] = ".mcunet-";

// As fs::remove_all, which holds a descriptor for each level and leaves everything where there are
// too few of them.
void remove_tree(const fs::path& folder) {
  std::error_code ignored;
  std::vector<fs::directory_entry> entries;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) entries.push_back(entry);
  for (const fs::directory_entry& entry : entries) {
    if (fs::is_directory(entry.symlink_status(ignored))) {
      remove_tree(entry.path());
    } else {
      fs::remove(entry.path(), ignored);
    }
  }
  fs::remove(folder, ignored);
}

// The folder behind all links and without a slash at its end, whose parent is therefore the one that
// it lies in.
fs::path normal_form(const fs::path& folder) {
  std::error_code error;
  const fs::path path = fs::weakly_canonical(fs::absolute(folder), error).lexically_normal();
  if (error) throw Error("{}: cannot be used: {}", folder.string(), error.message());
  return path.has_filename() ? path : path.parent_path();
}

fs::path temporary_folder() {
  std::error_code error;
  fs::path folder = fs::temp_directory_path(error);
  if (!error) return folder;
  const char* named = std::getenv("TMPDIR");
  throw Error("{}: cannot hold temporary files: {} (TMPDIR says where they go)",
              named == nullptr ? "/tmp" : named, error.message());
}

}  // namespace

ScratchFolder::ScratchFolder() : ScratchFolder(temporary_folder()) {}

ScratchFolder::ScratchFolder(const fs::path& parent) {
  std::string pattern = (fs::absolute(parent) / fmt::format("{}XXXXXX", kPrefix)).string();
  if (::mkdtemp(pattern.data()) == nullptr) {
    throw Error("{}: cannot be created: {}", pattern, std::strerror(errno));
  }
  path_ = pattern;
}

ScratchFolder::~ScratchFolder() { remove_tree(path_); }

void remove_abandoned_scratch(const fs::path& parent) {
  std::error_code ignored;
  std::vector<fs::path> abandoned;
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    if (entry.path().filename().string().starts_with(kPrefix)) abandoned.push_back(entry.path());
  }
  for (const fs::path& folder : abandoned) remove_tree(folder);
}

void replace_folder(const fs::path& from, const fs::path& to) {
  const fs::path old = fs::path(from).concat(".old");
  std::error_code error;
  fs::rename(to, old, error);
  const bool had_one = !error;
  if (!error || error == std::errc::no_such_file_or_directory) fs::rename(from, to, error);
  if (!error) return;
  std::error_code ignored;
  if (had_one) fs::rename(old, to, ignored);
  throw Error("{}: cannot be replaced: {}", to.string(), error.message());
}

StagedFolder::StagedFolder(const fs::path& folder)
    : folder_((require_writable_folder(folder), normal_form(folder))),
      scratch_(make_folder(folder_.parent_path())),
      staging_(make_folder(scratch_.path() / folder_.filename())) {}

void StagedFolder::write(const fs::path& relative, std::string_view contents) const {
  make_folder((staging_ / relative).parent_path());
  write_file_atomically(staging_ / relative, contents);
}

}  // namespace mcunet
