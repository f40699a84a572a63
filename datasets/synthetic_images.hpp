#pragma once

#include "mcunet/datasets/open_dataset.hpp"

namespace mcunet::datasets {

// Gratings in noise, made in memory: the class is the direction of the stripes; their phase, width,
// colours and contrast are of no account.
std::unique_ptr<Dataset> make_synthetic_images(const DatasetOptions& options, Split split,
                                               int resolution, bool augment);

}  // namespace mcunet::datasets
