#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mcunet/datasets/boxes.hpp"
#include "mcunet/datasets/open_dataset.hpp"

// The files of a dataset before any is opened, and what is to be said of them.
namespace mcunet::datasets {

struct LabelledFile {
  std::string path;  // empty: silence, which has no file
  std::int32_t label = 0;
  Objects objects = {};  // of an image, where these are the targets
  float value = 0;       // likewise
};

// What lies in the folder of a dataset and is no example.
struct LeftOut {
  std::vector<std::string> folders;           // paths below the dataset's
  std::map<std::string, std::int64_t> files;  // how many, by kind: ".gif", "hidden"
};

// Objects that are not taken as they are written: how many, by the file that tells of them.
struct ObjectFlaws {
  using Files = std::map<std::string, std::int64_t>;
  Files leave_image;    // clipped; left out if nothing lies within
  Files no_area;        // left out
  Files unknown_class;  // likewise
};

struct DatasetFiles {
  std::vector<std::string> classes;
  std::array<std::vector<LabelledFile>, 3> splits;  // by Split
  LeftOut left_out;
  ObjectFlaws flaws;
  bool redraws_search = false;  // dataset.search_split takes the place of a split that is there

  const std::vector<LabelledFile>& of(Split split) const {
    return splits[static_cast<std::size_t>(split)];
  }
};

// "train", "search" or "test".
const char* name_of(Split split);

// All three splits; nothing of synthetic data, which has no files. Throws Error as open_dataset().
DatasetFiles files_of(const DatasetOptions& options);

// Something that a user should know of the data: "classes without examples", and which.
struct Finding {
  std::string what;
  std::vector<std::string> items;

  // So many of the items and how many more there are, on one line, escaped.
  std::string list(std::size_t most) const;
};

// Classes without examples or missing from a split, imbalance beyond 1 : 10, what was left out, and
// objects that are not as they should be.
std::vector<Finding> findings_in(const DatasetFiles& files);

// The same of all that lies in files, and of series the columns that were left out.
std::vector<Finding> findings_in(const DatasetFiles& files, const DatasetOptions& options);

}  // namespace mcunet::datasets
