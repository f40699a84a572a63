#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>

#include "class_folders.hpp"
#include "mcunet/core/error.hpp"
#include "mcunet/core/files.hpp"

// ILSVRC 2012: train/WNID/*.JPEG; val/ as class folders too, or flat, as published, with a file of
// labels. That has a line for each image, in one of two forms:
//   ILSVRC2012_val_00000001 n01751748 …   the image (with or without .JPEG) and its class,
//                                         separated by blanks or a comma
//   490                                   the devkit's: the number of the class, of the images in
//                                         order; line 490 of synsets.txt beside it names the class
namespace mcunet::datasets {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kSearchExamples = 10'000;
constexpr const char* kLabelFiles[] = {"ILSVRC2012_validation_ground_truth.txt", "val.txt",
                                       "LOC_val_solution.csv"};

fs::path first_folder(const DatasetOptions& options, std::initializer_list<const char*> names) {
  const fs::path root = require_path(options);
  std::error_code ignored;
  for (const char* name : names) {
    if (fs::is_directory(root / name, ignored)) return root / name;
  }
  fail(options, fmt::format("has no folder {}", *names.begin()));
}

fs::path train_folder(const DatasetOptions& options) {
  return first_folder(options, {"train", "ILSVRC2012_img_train", "Data/CLS-LOC/train"});
}

fs::path label_file(const DatasetOptions& options) {
  if (!options.annotations.empty()) return annotations_of(options);
  std::error_code ignored;
  for (const char* folder : {"", "data", "devkit/data", "ILSVRC2012_devkit_t12/data"}) {
    for (const char* name : kLabelFiles) {
      fs::path file = fs::path(options.path) / folder / name;
      if (fs::is_regular_file(file, ignored)) return file;
    }
  }
  fail(options, fmt::format("its validation images lie in no class folders, "
                            "and there is no {}; dataset.annotations names another file",
                            kLabelFiles[0]));
}

// The words of each line, up to `most`.
std::vector<std::vector<std::string>> read_words(const fs::path& file, std::size_t most) {
  std::istringstream stream(read_file(file));
  std::vector<std::vector<std::string>> lines;
  for (std::string line; std::getline(stream, line);) {
    std::vector<std::string> words;
    std::size_t at = 0;
    while (words.size() < most) {
      at = line.find_first_not_of(" ,\t\r", at);
      if (at == std::string::npos) break;
      const std::size_t end = std::min(line.find_first_of(" ,\t\r", at), line.size());
      words.push_back(line.substr(at, end - at));
      at = end;
    }
    if (!words.empty()) lines.push_back(std::move(words));
  }
  return lines;
}

std::int32_t class_index(const std::vector<std::string>& classes, const std::string& name,
                         const fs::path& file) {
  const auto found = std::lower_bound(classes.begin(), classes.end(), name);
  if (found == classes.end() || *found != name) {
    throw Error("{}: {} is no class of the training data", file.string(), name);
  }
  return static_cast<std::int32_t>(found - classes.begin());
}

void add_flat(const DatasetOptions& options, const fs::path& folder, Layout& layout) {
  const fs::path file = label_file(options);
  const auto lines = read_words(file, 2);
  const std::vector<fs::path> images = files_in(folder, image_extensions());
  std::map<std::string, std::string> class_of;  // by the image's name without extension
  if (!lines.empty() && lines.front().size() == 1) {
    if (lines.size() != images.size()) {
      throw Error("{}: has {} labels for {} images in {}", file.string(), lines.size(),
                  images.size(), folder.string());
    }
    const fs::path names_file = file.parent_path() / "synsets.txt";
    const auto names = read_words(names_file, 1);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const std::string& text = lines[i][0];
      std::size_t number = 0;
      std::from_chars(text.data(), text.data() + text.size(), number);
      if (number < 1 || number > names.size()) {
        throw Error("{}:{}: {} is no line of {}", file.string(), i + 1, text, names_file.string());
      }
      class_of[images[i].stem().string()] = names[number - 1][0];
    }
  } else {
    for (const auto& words : lines) {
      if (words.size() == 2) class_of[fs::path(words[0]).stem().string()] = words[1];
    }
  }
  for (const fs::path& image : images) {
    const auto found = class_of.find(image.stem().string());
    if (found == class_of.end()) {
      throw Error("{}: has no label for {}", file.string(), image.string());
    }
    layout.files.push_back(
        {image.string(), class_index(layout.classes, found->second, file), Split::kTest});
  }
  if (images.empty()) throw Error("{}: has no images", folder.string());
}

}  // namespace

std::vector<std::string> imagenet_classes(const DatasetOptions& options) {
  return folder_names(train_folder(options));
}

Layout list_imagenet(const DatasetOptions& options) {
  Layout layout;
  layout.classes = imagenet_classes(options);
  layout.search_examples = kSearchExamples;
  add_class_folders(train_folder(options), Medium::kImage, Split::kTrain, layout);
  const fs::path test = first_folder(options, {"val", "ILSVRC2012_img_val", "Data/CLS-LOC/val"});
  if (folder_names(test).empty()) {
    add_flat(options, test, layout);
  } else {
    add_class_folders(test, Medium::kImage, Split::kTest, layout);
  }
  return layout;
}

}  // namespace mcunet::datasets
