#pragma once

#include <opencv2/core.hpp>
#include <span>
#include <string>

#include "mcunet/datasets/boxes.hpp"

namespace mcunet::datasets {

// Draw boxes over a picture of 8 bits in OpenCV's order, blue first: in a colour for each class, with
// its name; a class without one is told by its number.

// With their scores. Worse ones first, so that the best lie on top.
void draw_boxes(cv::Mat& bgr, std::span<const Detection> detections,
                std::span<const std::string> classes);

// What a dataset tells of: objects that do not count in thin lines.
void draw_objects(cv::Mat& bgr, const Objects& objects, std::span<const std::string> classes);

}  // namespace mcunet::datasets
