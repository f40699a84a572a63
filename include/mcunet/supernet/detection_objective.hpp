#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "mcunet/datasets/detector.hpp"
#include "mcunet/supernet/objective.hpp"

namespace mcunet::supernet {

// YOLOv2 (Redmon and Farhadi, YOLO9000, section 2; the loss as in YOLO, equation 3): outputs
// [n, anchors * (5 + classes), rows, columns] as in detector.hpp, for any number of rows and columns. Of
// each object the box is responsible that belongs to the cell of its centre and to the anchor of the most
// similar shape; it learns the objectness that it overlaps the object by. What lies on objects that are
// difficult or a crowd is let be. A sum over the boxes of an image, a mean over the images. Distillation:
// squared differences of all outputs. Measures mean_overlap, of the responsible boxes with their objects.
// With numbers of objects, one for each class, what is said of an object counts by the root of how many
// times rarer its class is than the most frequent one; without, all count the same.
std::unique_ptr<Objective> detection_objective(std::vector<datasets::Anchor> anchors, int classes,
                                               const DetectionLossOptions& options,
                                               std::span<const std::int64_t> objects_of = {});

}  // namespace mcunet::supernet
