#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "file_list.hpp"
#include "mcunet/datasets/media_files.hpp"

// Folders that say what is in them: a class, or a split.
namespace mcunet::datasets {

const char* plural_of(Medium medium);  // "images", "sounds", "recordings"

const std::vector<std::string>& extensions_of(Medium medium);

// Sorted names of the subfolders, without those that begin with '.' or '_', which `left_out` gets.
// Throws Error if one is not UTF-8: the names of classes go into JSON and reports.
std::vector<std::string> folder_names(const std::filesystem::path& root,
                                      LeftOut* left_out = nullptr);

// The files of a folder that have one of the extensions, sorted.
std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder,
                                            const std::vector<std::string>& extensions);

// The files of the medium in a folder and in the folders below it, sorted. Other files, what is
// hidden and folders that begin with '.' or '_' go to `left_out`.
std::vector<std::filesystem::path> files_below(const std::filesystem::path& folder, Medium medium,
                                               LeftOut& left_out);

// The files of root/CLASS, at any depth; the folders' names must be among the classes. Throws Error
// if there is none.
void add_class_folders(const std::filesystem::path& root, Medium medium, Split split,
                       Layout& layout);

// A name that people give to a split: "train", "Training", "val", "valid", "test_set", "dev". kSearch
// is validation; `eval` is taken for the test set.
std::optional<Split> split_named(std::string_view name);

// ROOT/train beside ROOT/val or ROOT/test, under any such names.
struct SplitFolders {
  std::string train;
  std::string search;  // empty: none
  std::string test;    // likewise
};

// Nothing if the folders are classes. Throws Error if two folders are the same split.
std::optional<SplitFolders> find_split_folders(const std::filesystem::path& root);

}  // namespace mcunet::datasets
