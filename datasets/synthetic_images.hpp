#pragma once

#include "mcunet/datasets/open_dataset.hpp"

namespace mcunet::datasets {

// Gratings in noise: the class is the direction of the stripes, a value how many there are across the
// image; phase, colours and contrast are of no account.
std::unique_ptr<Dataset> make_synthetic_images(const DatasetOptions& options, Split split,
                                               int resolution, bool augment);

// Images of plain shapes, a class each, of any size and colour on a noisy background; one to four of
// them, that hide little of one another.
std::unique_ptr<Dataset> make_synthetic_objects(const DatasetOptions& options, Split split,
                                                int resolution, bool augment);

// The classes of these. Throws Error if more are asked for than there are.
std::vector<std::string> shape_names(const DatasetOptions& options);

}  // namespace mcunet::datasets
