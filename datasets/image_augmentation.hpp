#pragma once

#include <opencv2/core.hpp>
#include <span>

#include "mcunet/core/random.hpp"
#include "mcunet/datasets/open_dataset.hpp"

namespace mcunet::datasets {

// A part of the image of min_scale to 1 of its area and an aspect ratio of 3/4 to 4/3, anywhere
// (Szegedy et al. 2015, section 6). The middle of the image if ten draws do not fit in.
cv::Rect2d random_crop(cv::Size image, double min_scale, RandomStream& random);

// Changes brightness, contrast and saturation, in random order, each by a factor of up to 1 ± its
// option. pixels: RGB or gray in [-1, 1], channels last.
void jitter_colours(std::span<float> pixels, const ImageOptions& options, RandomStream& random);

}  // namespace mcunet::datasets
