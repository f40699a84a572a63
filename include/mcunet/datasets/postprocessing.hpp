#pragma once

#include <string>
#include <variant>
#include <vector>

#include "mcunet/core/config.hpp"
#include "mcunet/datasets/detector.hpp"

// What the output of a network means, where it is not one value for each class. A dataset or its owner
// says so; `emulate` follows it, and a compiled model carries it, as data and as C for the device
// (engine/kernels/detections.h).
namespace mcunet::datasets {

struct Detector {
  DetectorHead head;
  std::vector<std::string> classes;  // names, one for each of the head
  DetectionLimits limits;

  bool operator==(const Detector&) const = default;
};

using Postprocessing = std::variant<Detector>;

// {"detector": {"rows", "columns", "anchors": [{"width", "height"}], "classes": [names], "score",
// "overlap", "most"}}. Throws Error through the node.
Postprocessing read_postprocessing(const ConfigNode& node);
ConfigNode write_postprocessing(const Postprocessing& postprocessing);

// Throws Error for a head that is none (check_head), and for other than a name for each class.
void check_detector(const Detector& detector);

// In words, as lines of text.
std::vector<std::string> describe(const Postprocessing& postprocessing);

}  // namespace mcunet::datasets
