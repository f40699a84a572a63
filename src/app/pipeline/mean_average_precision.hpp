#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mcunet/datasets/boxes.hpp"

// How well a detector finds objects, as the two usual benchmarks measure it. Of each class the
// detections of all images are put in the order of their scores, those of equal scores in that of the
// images and within them as they are listed; each is true, false or ignored; what precision is reached
// at which recall gives the average precision. Boxes are in any unit that all share: shares of the
// image or pixels.
namespace mcunet::pipeline {

struct DetectedImage {
  datasets::Objects objects;        // that there are
  datasets::Detections detections;  // that were found
};

struct ClassPrecision {
  double average_precision = 0;  // without objects: 0, and of no influence on the mean
  std::int64_t objects = 0;      // that count: neither difficult nor crowds
  std::int64_t detections = 0;   // all, those ignored among them
};

struct MeanAveragePrecision {
  double mean = 0;                      // over the classes that have objects; 0 if none has
  std::vector<ClassPrecision> classes;  // by label
};

// Pascal VOC (Everingham et al. 2010, section 4.2, and its development kit): a detection belongs to the
// object that it overlaps most, if that is enough. The first of an object is true, further ones are
// false; those of a difficult object are ignored. The kit knows no crowds: what lies in one by the
// stated share and has no object of its own is ignored.
struct VocRule {
  double overlap = 0.5;        // intersection over union, at least
  bool eleven_points = false;  // the mean at recalls 0, 0.1, … 1 (2007); else the area (since 2010)
  double pixel_extent = 0;     // 1 where boxes are pixels of which both corners belong to the box
};

// Throws Error for a label that is none of so many classes, and for a score that is no number.
MeanAveragePrecision voc_average_precision(std::span<const DetectedImage> images, int classes,
                                           const VocRule& rule = {});

// COCO (Lin et al. 2014, and its evaluation): a detection takes the object that it overlaps most of
// those that are not taken; what lies in a crowd, by intersection over the detection's area, or takes a
// difficult object is ignored. Precision is averaged over recalls 0, 0.01, … 1. Objects of all areas;
// the best 100 detections of each class on an image.
struct CocoAveragePrecision {
  MeanAveragePrecision all;  // of an overlap of 0.5, 0.55, … 0.95 at least: the mean over these
  MeanAveragePrecision at_50;
  MeanAveragePrecision at_75;
};

// Throws Error as the above.
CocoAveragePrecision coco_average_precision(std::span<const DetectedImage> images, int classes);

}  // namespace mcunet::pipeline
