#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace mcunet::datasets {

// In pixels, the first being 1; both corners belong to the box.
struct VocObject {
  std::string name;
  double x_min = 0;
  double y_min = 0;
  double x_max = 0;
  double y_max = 0;
  bool is_difficult = false;
  bool is_truncated = false;

  double area() const;  // 0 if the corners have changed places
};

struct VocAnnotation {
  std::string image_file;
  int width = 0;  // 0: not stated
  int height = 0;
  std::vector<VocObject> objects;
};

// One file of Annotations/. Throws Error.
VocAnnotation read_voc_annotation(const std::filesystem::path& file);

}  // namespace mcunet::datasets
