#pragma once

#include <memory>

#include "file_list.hpp"
#include "mcunet/datasets/image_file.hpp"

namespace mcunet::datasets {

std::unique_ptr<Dataset> make_image_dataset(FileList list, const DatasetOptions& options,
                                            ImageFit fit, int resolution, bool augment);

}  // namespace mcunet::datasets
