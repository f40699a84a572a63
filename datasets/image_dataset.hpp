#pragma once

#include <memory>

#include "file_list.hpp"

namespace mcunet::datasets {

// Without augmentation an example is what preprocessing_of() describes.
std::unique_ptr<Dataset> make_image_dataset(FileList list, const DatasetOptions& options,
                                            int resolution, bool augment);

}  // namespace mcunet::datasets
