#pragma once

#include <array>
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
// score for a class is sigmoid(objectness) times the softmax of the classes' values. Boxes end at the
// image's borders.
//
// Of each box the best class counts. Boxes of the highest scores are compared with each other: one that
// overlaps too much with a better one of its class is left out.
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
  std::int64_t outputs() const { return std::int64_t{rows} * columns * channels(); }
  bool operator==(const DetectorHead&) const = default;
};

// Which boxes are told.
struct DetectionLimits {
  double score = 0.3;     // of a box's best class, at least
  double overlap = 0.45;  // with a better box of the same class, at most (non-maximum suppression)
  int most = 32;          // of an image: those of the highest scores

  int candidates() const { return 4 * most; }  // before overlaps are looked at
  bool operator==(const DetectionLimits&) const = default;
};

constexpr int kMostClassesOfDetector = 256;
constexpr int kMostDetections = 1000;

std::vector<Field> fields_of(Anchor& anchor);
std::vector<Field> fields_of(DetectorHead& head);
std::vector<Field> fields_of(DetectionLimits& limits);

// Throws Error for a head without cells, anchors or classes, or with anchors that are no boxes of an
// image: sides of 0.0001 to 3.99.
void check_head(const DetectorHead& head);

// What a network in real numbers found: outputs [rows, columns, channels] of the head. The best come
// first, of equal scores those that come first in the output. What is not a number is passed over.
// Throws Error if there are other than the head's outputs.
Detections decode(const DetectorHead& head, const DetectionLimits& limits,
                  std::span<const float> outputs);

// The contents of struct mcunet_detection_layer (engine/kernels/detections.h), by which firmware
// decodes.
struct DetectionTables {
  DetectorHead head;
  DetectionLimits limits;
  std::vector<std::uint32_t> sides;  // [anchors, 2]
  std::array<std::uint16_t, 256> sigmoids{};
  std::array<std::uint32_t, 256> exponentials{};
  std::array<std::uint32_t, 256> softmax{};
  std::uint32_t row_share = 0;
  std::uint32_t column_share = 0;
  std::int32_t objectness = 0;
  std::uint32_t score = 0;
  std::uint32_t overlap = 0;

  // Of these tables in flash.
  std::int64_t bytes() const;
};

// For an int8 output whose value q stands for scale * (q - zero_point). Throws Error for a scale that
// is none.
DetectionTables make_detection_tables(const DetectorHead& head, const DetectionLimits& limits,
                                      double scale, std::int32_t zero_point);

// What the firmware finds, bit for bit. Throws Error if there are other than the head's outputs.
Detections decode_int8(const DetectionTables& tables, std::span<const std::int8_t> outputs);

// What firmware found: any number of struct mcunet_detection as they lie in memory. Scores and sides
// are exact in floats, so that == tells whether both found the same. Throws Error if it is a part of
// one.
Detections read_detections(std::span<const std::int8_t> bytes);

}  // namespace mcunet::datasets
