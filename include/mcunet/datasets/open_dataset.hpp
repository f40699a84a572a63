#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mcunet/core/config.hpp"
#include "mcunet/datasets/dataset.hpp"

namespace mcunet::datasets {

struct DatasetOptions {
  std::string kind = "synthetic-images";
};

// The keys of the section `dataset` of an experiment.
std::vector<Field> fields_of(DatasetOptions& options);

// Opens one split at a resolution, with the training augmentation or without. Throws Error if the
// folder is not what the kind of dataset expects.
std::unique_ptr<Dataset> open_dataset(const DatasetOptions& options, Split split, int resolution,
                                      bool augment);

}  // namespace mcunet::datasets
