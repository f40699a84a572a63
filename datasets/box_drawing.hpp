#pragma once

#include <opencv2/core.hpp>
#include <span>
#include <string>

#include "mcunet/datasets/boxes.hpp"

namespace mcunet::datasets {

// Draws boxes over a picture of 8 bits in OpenCV's order, blue first: in a colour for each class, with
// the class's name and the score; a score of 0 is left out, as objects that a dataset tells of have
// none. Worse ones first, so that the best lie on top. A class without a name is told by its number.
void draw_boxes(cv::Mat& bgr, std::span<const Detection> detections,
                std::span<const std::string> classes);

}  // namespace mcunet::datasets
