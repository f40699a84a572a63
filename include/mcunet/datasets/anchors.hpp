#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mcunet/datasets/boxes.hpp"
#include "mcunet/datasets/detector.hpp"

namespace mcunet::datasets {

// The sizes of box that a detector starts from: the centres of clusters of the boxes, by k-means with
// the distance 1 - intersection over union of boxes that share a centre (YOLO9000, section 2). In the
// order of their areas. Fewer than `count` if the boxes have fewer sizes. By the seed; of many boxes a
// part is drawn. Throws Error if no box has an area, or the count is not positive.
std::vector<Anchor> choose_anchors(std::span<const Box> boxes, int count, std::uint64_t seed);

// The mean over the boxes that have an area of the overlap with the best anchor, when both share a
// centre. 0 without any.
double mean_overlap(std::span<const Box> boxes, std::span<const Anchor> anchors);

}  // namespace mcunet::datasets
