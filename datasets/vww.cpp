#include <fmt/format.h>

#include <map>
#include <mutex>

#include "coco_labels.hpp"
#include "file_list.hpp"
#include "mcunet/core/error.hpp"

// Visual Wake Words: COCO's train and val folders with annotations/instances_*.json, or a folder
// that somebody prepared, with the images of both classes in folders of their own.
namespace mcunet::datasets {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kSearchExamples = 5'000;
const std::vector<std::string> kClasses = {"no_person", "person"};

struct CocoPart {
  fs::path images;
  fs::path annotations;
};

// "train" or "val" of some year; empty paths if the folder does not hold COCO.
CocoPart find_part(const DatasetOptions& options, const std::string& part) {
  const fs::path root = require_path(options);
  const fs::path folder =
      options.annotations.empty() ? root / "annotations" : fs::path(options.annotations);
  std::error_code ignored;
  for (const char* year : {"2017", "2014"}) {
    const fs::path file = folder / fmt::format("instances_{}{}.json", part, year);
    if (!fs::is_regular_file(file, ignored)) continue;
    for (const fs::path& images : {root / (part + year), root / "images" / (part + year)}) {
      if (fs::is_directory(images, ignored)) return {images, file};
    }
  }
  return {};
}

// Several hundred megabytes take seconds, and a job opens each split several times.
std::vector<CocoImage> labels_of(const fs::path& file) {
  static std::mutex mutex;
  static std::map<std::pair<std::string, fs::file_time_type>, std::vector<CocoImage>> known;
  const std::lock_guard lock(mutex);
  const auto [place, is_new] = known.try_emplace({file.string(), fs::last_write_time(file)});
  if (is_new) {
    try {
      place->second = read_coco_person_labels(file);
    } catch (...) {
      known.erase(place);
      throw;
    }
  }
  return place->second;
}

}  // namespace

std::vector<std::string> vww_classes(const DatasetOptions& options) {
  if (!find_part(options, "train").images.empty()) return kClasses;
  std::vector<std::string> classes = folder_classes(options);
  if (classes.size() != 2) {
    fail(options, fmt::format("expected COCO (train2017, val2017, annotations/) "
                              "or the folders of two classes, found {} folders",
                              classes.size()));
  }
  return classes;
}

FileList list_vww(const DatasetOptions& options, Split split) {
  const CocoPart part = find_part(options, split == Split::kTest ? "val" : "train");
  if (part.images.empty()) {
    vww_classes(options);
    return list_folder(options, split);
  }
  FileList list{kClasses, {}};
  for (const CocoImage& image : labels_of(part.annotations)) {
    list.files.push_back({(part.images / image.file).string(), image.has_person ? 1 : 0});
  }
  if (split != Split::kTest) {
    list.files = training_part(list.files, split, options.search_split.value_or(kSearchExamples),
                               options.seed);
  }
  return list;
}

}  // namespace mcunet::datasets
