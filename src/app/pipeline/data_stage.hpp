#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mcunet/datasets/dataset_files.hpp"

// Looking at a dataset before training on it.
namespace mcunet::pipeline {

struct SplitSummary {
  std::string name;  // train, search or test
  std::int64_t examples = 0;
  std::vector<std::int64_t> of_class;
  std::vector<std::string> unreadable;  // after check_dataset
};

struct DatasetSummary {
  std::vector<std::string> classes;
  datasets::InputShape input;
  std::vector<SplitSummary> splits;
  std::vector<datasets::Finding> findings;
  // Of the first examples of kTrain, without augmentation, per channel; after measure_inputs.
  std::vector<double> mean;
  std::vector<double> deviation;

  std::int64_t examples() const;
  std::int64_t unreadable() const;
};

// Counts, from the lists of files.
DatasetSummary summarize_dataset(const datasets::DatasetOptions& options, int resolution);

// Counts, and decodes every example in `threads` threads.
DatasetSummary check_dataset(const datasets::DatasetOptions& options, int resolution, int threads);

// Adds the mean and the standard deviation over up to `examples` readable examples, evenly spread.
void measure_inputs(const datasets::DatasetOptions& options, std::int64_t examples,
                    DatasetSummary& summary);

}  // namespace mcunet::pipeline
