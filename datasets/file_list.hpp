#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "mcunet/datasets/media_files.hpp"
#include "mcunet/datasets/open_dataset.hpp"

// The files of a split, before any is opened. Each kind of dataset is a function that lists them.
namespace mcunet::datasets {

struct LabelledFile {
  std::string path;
  std::int32_t label = 0;
};

struct FileList {
  std::vector<std::string> classes;
  std::vector<LabelledFile> files;
};

// Sorted names of the subfolders, without those that begin with '.' or '_'. Throws Error if one is
// not UTF-8: the names of classes go into JSON and reports.
std::vector<std::string> folder_names(const std::filesystem::path& root);

// The files of a folder that have one of the extensions (lower case, with the dot), sorted.
std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder,
                                            const std::vector<std::string>& extensions);

// Class folders with image files, as in root/CLASS/image.jpg; their names must be among the
// classes. Throws Error if there is none.
std::vector<LabelledFile> list_class_folders(const std::filesystem::path& root,
                                             const std::vector<std::string>& classes);

// Splits off `count` files, each class in its proportion: first what is split off, then the rest.
// By the seed, and both in the order of the list. Throws Error if nothing would be left on a side.
std::pair<std::vector<LabelledFile>, std::vector<LabelledFile>> split_off(
    const std::vector<LabelledFile>& files, std::int64_t count, std::uint64_t seed);

// kTrain or kSearch out of all training files.
std::vector<LabelledFile> training_part(const std::vector<LabelledFile>& files, Split split,
                                        std::int64_t search_count, std::uint64_t seed);

// `share` of the files, at least one.
std::int64_t share_of(const std::vector<LabelledFile>& files, double share);

[[noreturn]] void fail(const DatasetOptions& options, const std::string& message);

// Throws Error unless dataset.path names a folder.
std::filesystem::path require_path(const DatasetOptions& options);

std::vector<std::string> folder_classes(const DatasetOptions& options);
FileList list_folder(const DatasetOptions& options, Split split);

std::vector<std::string> imagenet_classes(const DatasetOptions& options);
FileList list_imagenet(const DatasetOptions& options, Split split);

std::vector<std::string> vww_classes(const DatasetOptions& options);
FileList list_vww(const DatasetOptions& options, Split split);

std::vector<std::string> voc_classes();
FileList list_voc(const DatasetOptions& options, Split split);

// Silence has no file: its path is empty.
std::vector<std::string> speech_classes(const DatasetOptions& options);
FileList list_speech_commands(const DatasetOptions& options, Split split);

}  // namespace mcunet::datasets
