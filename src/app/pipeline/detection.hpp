#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "mcunet/datasets/boxes.hpp"
#include "score.hpp"

// What a detector found on a split of a dataset tells.
namespace mcunet::datasets {
class Dataset;
}

namespace mcunet::pipeline {

// On one example.
struct FoundObjects {
  std::int64_t example = 0;  // index in the dataset
  datasets::Detections detections;

  bool operator==(const FoundObjects&) const = default;
};

struct DetectedClass {
  std::string name;
  std::int64_t objects = 0;     // that count
  std::int64_t detections = 0;  // of any score
  double average_precision = 0;

  bool operator==(const DetectedClass&) const = default;
};

// An example on which much is wrong, for people to look at.
struct PoorExample {
  std::int64_t example = 0;
  std::string name;
  std::int64_t objects = 0;  // that count
  std::int64_t missed = 0;   // of these
  std::int64_t wrong = 0;    // boxes that are told of and are of no object, or of another class
  datasets::Detections detections;  // that are told of

  bool operator==(const PoorExample&) const = default;
};

// Average precision as Pascal VOC measures it since 2010 (the area, IoU of 0.5, difficult objects
// ignored), and as VOC 2007 and COCO do; see mean_average_precision.hpp.
struct DetectionResult {
  Score score;                  // the mean over the classes that have objects
  std::int64_t unreadable = 0;  // of the examples that were chosen
  std::vector<DetectedClass> classes;
  double eleven_points = 0;       // VOC 2007
  double coco = 0;                // AP, over IoU of 0.5 to 0.95
  double coco_75 = 0;             // AP75
  std::vector<PoorExample> poor;  // the poorest first, at most kMostPoor

  static constexpr std::size_t kMostPoor = 8;
  bool operator==(const DetectionResult&) const = default;
};

// `chosen` examples of the dataset were to be looked at; those without an entry were unreadable. Of
// several entries for an example the first counts. `told` is the score from which on a box is told of.
DetectionResult assess_detections(std::span<const FoundObjects> found,
                                  const datasets::Dataset& dataset, std::int64_t chosen,
                                  double told);

// The score's keys, and unreadable, map50_eleven_points, coco_ap, coco_ap75, classes[] {name, objects,
// detections, average_precision}, poor[] {input, example, objects, missed, wrong, detections}. Reading
// throws Error if something is missing or makes no sense.
nlohmann::ordered_json to_json(const DetectionResult& result);
DetectionResult detection_from_json(const nlohmann::ordered_json& json);

// [{class, score, box: [left, top, right, bottom]}, …], boxes in shares of the image; and back.
nlohmann::ordered_json to_json(const datasets::Detections& detections,
                               std::span<const std::string> classes);

}  // namespace mcunet::pipeline
