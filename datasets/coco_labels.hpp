#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace mcunet::datasets {

struct CocoImage {
  std::string file;
  bool has_person = false;
};

// The Visual Wake Words label of every image in a COCO instances file: whether some person's
// segmentation covers more than `min_share` of the image. Reads the file as a stream: what is kept
// are a few words for each image and person. Throws Error.
std::vector<CocoImage> read_coco_person_labels(const std::filesystem::path& file,
                                               double min_share = 0.005);

}  // namespace mcunet::datasets
