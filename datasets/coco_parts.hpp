#pragma once

#include <filesystem>
#include <vector>

#include "mcunet/datasets/open_dataset.hpp"

namespace mcunet::datasets {

// One annotations file, of a split or, alone, of all images.
struct CocoPart {
  std::filesystem::path annotations;
  std::vector<std::filesystem::path> image_folders;  // where its images may be
  Split split = Split::kTrain;

  // Of an image that it names; where it should be, if it is nowhere.
  std::filesystem::path path_of(const std::string& file) const;
};

// What there is below dataset.path, or in dataset.annotations, a file or a folder:
//   annotations/instances_train2017.json, instances_val2017.json, … with train2017/ or images/…
//   train/_annotations.coco.json, valid/…, test/… beside the images
//   annotations/instances_default.json or another file alone
// Of two years the later. None if it is not COCO's layout; throws Error if there is a part without
// training data.
std::vector<CocoPart> find_coco_parts(const DatasetOptions& options);

}  // namespace mcunet::datasets
