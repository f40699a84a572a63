#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mcunet/core/config.hpp"
#include "mcunet/datasets/boxes.hpp"

// How the outputs of a detector become boxes (YOLOv2: Redmon and Farhadi, YOLO9000, section 2). The
// image is a grid of rows x columns cells; each has a box for every anchor, whose values lie side by
// side in the channels of the cell:
//
//   x, y, width, height, objectness, a value for each class
//
// of the first anchor, then of the second, and so on. The box's centre is (column + sigmoid(x)) /
// columns, (row + sigmoid(y)) / rows; its sides are the anchor's times exp(width) and exp(height); its
// score for a class is sigmoid(objectness) times the softmax of the classes' values.
namespace mcunet::datasets {

// Sides of a box, as shares of the image's.
struct Anchor {
  double width = 0;
  double height = 0;

  bool operator==(const Anchor&) const = default;
};

struct DetectorHead {
  int rows = 0;
  int columns = 0;
  std::vector<Anchor> anchors;
  int classes = 0;

  static constexpr int kBoxValues = 5;  // before those of the classes
  int values_per_anchor() const { return kBoxValues + classes; }
  int channels() const { return static_cast<int>(anchors.size()) * values_per_anchor(); }
  bool operator==(const DetectorHead&) const = default;
};

// Which boxes are told.
struct DetectionLimits {
  double score = 0.3;     // of a box's best class, at least
  double overlap = 0.45;  // with a better box of the same class, at most (non-maximum suppression)
  int most = 32;          // of an image: those of the highest scores

  bool operator==(const DetectionLimits&) const = default;
};

}  // namespace mcunet::datasets
