#include "class_folders.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "mcunet/core/error.hpp"
#include "mcunet/core/names.hpp"

namespace mcunet::datasets {
namespace fs = std::filesystem;
namespace {

constexpr char kNoises[] = "_background_noise_";  // of no class, and not left out either

struct MediumNames {
  Medium medium;
  const char* plural;
  const char* kind;  // of a dataset of one's own
  const std::vector<std::string>& (*extensions)();
};

// In the order of Medium.
constexpr MediumNames kMedia[] = {{Medium::kImage, "images", "folder", image_extensions},
                                  {Medium::kSound, "sounds", "sound-folder", sound_extensions},
                                  {Medium::kSeries, "recordings", "series", recording_extensions}};

bool contains(const std::vector<std::string>& values, const std::string& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

std::string kind_of(const fs::path& file) {
  const std::string extension = extension_of(file);
  return extension.empty() ? "without extension" : extension;
}

// Follows links to folders, but not into one that it is in already.
void walk(const fs::path& folder, Medium medium, std::vector<fs::path>& chain,
          std::vector<fs::path>& files, LeftOut& left_out) {
  std::error_code error;
  const fs::path itself = fs::canonical(folder, error);
  if (std::find(chain.begin(), chain.end(), itself) != chain.end()) {
    left_out.folders.push_back(folder.string());
    return;
  }
  chain.push_back(itself);
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    std::error_code ignored;  // a link that leads nowhere is no folder
    if (entry.is_directory(ignored)) {
      if (name[0] == '.' || name[0] == '_') {
        if (name != kNoises) left_out.folders.push_back(entry.path().string());
      } else {
        walk(entry.path(), medium, chain, files, left_out);
      }
    } else if (name[0] == '.') {
      ++left_out.files["hidden"];
    } else if (has_extension(name, extensions_of(medium))) {
      files.push_back(entry.path());
    } else {
      ++left_out.files[kind_of(name)];
    }
  }
  if (error) throw Error("{}: cannot be read: {}", folder.string(), error.message());
  chain.pop_back();
}

// That there are no files of the medium, and what there is instead.
[[noreturn]] void fail_without_files(const fs::path& root, Medium medium, const LeftOut& left_out) {
  std::string found;
  for (const MediumNames& other : kMedia) {
    std::int64_t others = 0;
    for (const auto& [kind, count] : left_out.files) {
      if (contains(extensions_of(other.medium), kind)) others += count;
    }
    if (others == 0) continue;
    found = fmt::format(", found {} {}, which dataset.kind: {} reads", others, other.plural,
                        other.kind);
    break;
  }
  const std::size_t loose = files_in(root, extensions_of(medium)).size();
  if (found.empty() && loose > 0) {
    found = fmt::format(
        ", found {} {} in no class folder; dataset.annotations names a table of their labels, "
        "dataset.pattern says where names hold them",
        loose, plural_of(medium));
  }
  throw Error("{}: expected folders of {}, one a class{}", root.string(), plural_of(medium), found);
}

}  // namespace

const char* plural_of(Medium medium) { return kMedia[static_cast<std::size_t>(medium)].plural; }

const std::vector<std::string>& extensions_of(Medium medium) {
  return kMedia[static_cast<std::size_t>(medium)].extensions();
}

std::vector<std::string> folder_names(const fs::path& root, LeftOut* left_out) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root, error)) {
    std::string name = entry.path().filename().string();
    std::error_code ignored;
    if (!entry.is_directory(ignored)) continue;
    if (name[0] == '.' || name[0] == '_') {
      if (left_out != nullptr && name != kNoises)
        left_out->folders.push_back(entry.path().string());
      continue;
    }
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

std::vector<fs::path> files_below(const fs::path& folder, Medium medium, LeftOut& left_out) {
  // A link to the folder above would lead to the other classes.
  std::error_code ignored;
  std::vector<fs::path> chain = {fs::canonical(folder, ignored).parent_path()};
  std::vector<fs::path> files;
  walk(folder, medium, chain, files, left_out);
  std::sort(files.begin(), files.end());
  return files;
}

void add_class_folders(const fs::path& root, Medium medium, Split split, Layout& layout) {
  const std::size_t before = layout.files.size();
  for (const std::string& name : folder_names(root, &layout.left_out)) {
    if (!contains(layout.classes, name)) {
      throw Error("{}: is no class of the training data", (root / name).string());
    }
    const std::int32_t label = index_of(layout.classes, name);
    for (const fs::path& file : files_below(root / name, medium, layout.left_out)) {
      layout.files.push_back({file.string(), label, split});
    }
  }
  if (layout.files.size() == before) fail_without_files(root, medium, layout.left_out);
  const std::size_t loose = files_in(root, extensions_of(medium)).size();
  if (loose > 0) {
    layout.left_out.files[fmt::format("{} in no class folder", plural_of(medium))] +=
        static_cast<std::int64_t>(loose);
  }
}

}  // namespace mcunet::datasets
