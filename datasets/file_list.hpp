#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mcunet/datasets/dataset_files.hpp"

// The files of a split, before any is opened. Each kind of dataset is a function that lists a
// Layout.
namespace mcunet::datasets {

struct ListedFile {
  std::string path;
  std::int32_t label = 0;
  Split split = Split::kTrain;
  Objects objects = {};
  float value = 0;
};

// What a folder holds. Files of kSearch without any of kTest are the test set. If no file is of
// kTest, or none of kSearch, that split is drawn from the training files.
struct Layout {
  std::vector<std::string> classes;
  std::vector<ListedFile> files;
  LeftOut left_out;
  ObjectFlaws flaws;
  std::optional<std::int64_t> search_examples;  // drawn where no option says; absent: a tenth
};

// One split, as datasets are made of it.
struct FileList {
  std::vector<std::string> classes;
  std::vector<LabelledFile> files;
};

// Splits off `count` files, each class in its proportion, and one at least of a class that has more
// than one; images without objects are a class in this: first what is split off, then the rest. By the seed, and both in the order of the list.
// Throws Error if nothing would be left on a side.
std::pair<std::vector<LabelledFile>, std::vector<LabelledFile>> split_off(
    const std::vector<LabelledFile>& files, std::int64_t count, std::uint64_t seed);

// Divides what is listed by the options.
DatasetFiles divide(Layout layout, const DatasetOptions& options);

FileList list_split(const DatasetOptions& options, Split split);

[[noreturn]] void fail(const DatasetOptions& options, const std::string& message);

// Throws Error if the kind of dataset has no such targets.
void check_targets(const DatasetOptions& options);

// Throws Error unless dataset.path names a folder.
std::filesystem::path require_path(const DatasetOptions& options);

// dataset.annotations, as it stands or below dataset.path. Throws Error if it is at neither place.
std::filesystem::path annotations_of(const DatasetOptions& options);

// Makes classes of the labels of the files, which are as many: sorted, numbers by their value. Throws
// Error, beginning with `source`, for fewer than two classes.
void label_files(Layout& layout, const std::vector<std::string>& labels, const std::string& source);
// Likewise, where values are the targets: of the one class "value". Throws Error for what is no number.
void take_values(Layout& layout, const std::vector<std::string>& texts, const std::string& source);
// Each once, in order, numbers by their value.
void sort_classes(std::vector<std::string>& classes);
std::int32_t index_of(const std::vector<std::string>& classes, const std::string& name);

// Class folders, a table or names of a pattern, of images, sounds or recordings by the kind of dataset.
std::vector<std::string> folder_classes(const DatasetOptions& options);
Layout list_folder(const DatasetOptions& options);

std::vector<std::string> imagenet_classes(const DatasetOptions& options);
Layout list_imagenet(const DatasetOptions& options);

std::vector<std::string> vww_classes(const DatasetOptions& options);
Layout list_vww(const DatasetOptions& options);

Layout list_voc(const DatasetOptions& options);

Layout list_coco(const DatasetOptions& options);

Layout list_yolo(const DatasetOptions& options);

// With all objects of each image, and images without any.
Layout list_voc_objects(const DatasetOptions& options);
Layout list_coco_objects(const DatasetOptions& options);
Layout list_yolo_objects(const DatasetOptions& options);

// Silence has no file: its path is empty.
std::vector<std::string> speech_classes(const DatasetOptions& options);
Layout list_speech_commands(const DatasetOptions& options);

// Of any kind that lies in files.
Layout list_layout(const DatasetOptions& options);

}  // namespace mcunet::datasets
