#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mcunet::datasets {

// The largest of its category on an image, by the area of its segmentation in pixels.
struct CocoObject {
  std::int64_t category = 0;
  double area = 0;
};

struct CocoImage {
  std::string file;  // below the folder of images
  double area = 0;
  std::vector<CocoObject> objects;
};

struct CocoInstances {
  std::vector<CocoImage> images;  // in the order of the file
  std::map<std::int64_t, std::string> categories;
};

// A COCO instances file, read as a stream, and once as long as it is not changed: what is kept are a
// few words for each image and each category on it. Throws Error.
std::shared_ptr<const CocoInstances> read_coco_instances(const std::filesystem::path& file);

}  // namespace mcunet::datasets
