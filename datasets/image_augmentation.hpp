#pragma once

#include <opencv2/core.hpp>
#include <span>

#include "mcunet/core/random.hpp"
#include "mcunet/datasets/boxes.hpp"
#include "mcunet/datasets/open_dataset.hpp"

namespace mcunet::datasets {

// A part of the image of min_scale to 1 of its area and an aspect ratio of 3/4 to 4/3, anywhere
// (Szegedy et al. 2015, section 6). The middle of the image if ten draws do not fit in.
cv::Rect2d random_crop(cv::Size image, double min_scale, RandomStream& random);

// The whole image with each border moved, in or out, by up to this share of the side that it bounds
// (YOLO9000). Where it leaves the image there is nothing to see.
cv::Rect2d jittered_crop(cv::Size image, double jitter, RandomStream& random);

// What of a crop lies in the image, and where it belongs in a picture of the crop. Requires that there
// is something.
struct VisiblePart {
  cv::Rect2d part;  // of the image
  cv::Rect place;   // in the picture
};
VisiblePart visible_part(const cv::Rect2d& crop, cv::Size image, cv::Size picture);

// Of an object so much must be within a crop for it to be looked for there. What shows less is
// difficult: to find it counts neither way.
constexpr float kLeastVisible = 0.3f;

// The objects of an image in a crop of it, given as shares of the image's sides; then mirrored, if
// flipped. Boxes end at the borders of the crop.
Objects objects_in_crop(const Objects& objects, const Box& crop, bool flip);

// Of brightness, contrast and, if there are colours, saturation, in random order, each by a factor of up to
// 1 ± its option.
ColourJitter draw_jitter(const ImageOptions& options, RandomStream& random);

// pixels: RGB or gray in [-1, 1], channels last.
void jitter_colours(std::span<float> pixels, int channels, const ColourJitter& jitter);

}  // namespace mcunet::datasets
