#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mcunet::datasets {

struct CocoObject {
  std::int64_t category = 0;
  double area = 0;  // of its segmentation, in pixels
  // Of its box, in pixels; all 0 if it has none.
  float x = 0;
  float y = 0;
  float width = 0;
  float height = 0;
  bool is_crowd = false;
};

struct CocoImage {
  std::string file;  // below the folder of images
  double width = 0;
  double height = 0;
  std::vector<CocoObject> objects;
};

struct CocoInstances {
  std::vector<CocoImage> images;  // in the order of the file
  std::map<std::int64_t, std::string> categories;
};

// A COCO instances file, read as a stream, and once as long as it is not changed: what is kept are a
// few words for each image and each object. Throws Error.
std::shared_ptr<const CocoInstances> read_coco_instances(const std::filesystem::path& file);

}  // namespace mcunet::datasets
