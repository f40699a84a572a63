#pragma once

#include <filesystem>

#include "experiment.hpp"
#include "mcunet/datasets/dataset_files.hpp"

// What tells that a job's data are still those that its training began with: the number of files of
// each class in each split, their bytes, and a checksum of their names and sizes.
namespace mcunet::pipeline {

inline constexpr char kDataFile[] = "data.json";  // in the folder of a run

// Leaves it in the folder of a run whose training begins.
void write_data_identity(const datasets::DatasetFiles& files,
                         const datasets::DatasetOptions& options, const std::filesystem::path& run);

// Throws Error, with the first difference, if the data are others than when it was written. A run
// without it is of a version that did not write it, and passes.
void require_same_data(const datasets::DatasetFiles& files, const datasets::DatasetOptions& options,
                       const std::filesystem::path& run);

// Lists the files first.
void require_same_data(const Experiment& experiment, const std::filesystem::path& run);

}  // namespace mcunet::pipeline
